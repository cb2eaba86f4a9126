"""Modes and owners of state, credentials and configuration, and the text of what Haraka and Mailcow read."""

from __future__ import annotations

import io
import re
import tarfile
from typing import Final

from mailnix.model import paths
from mailnix.services.credentials import names
from mailnix.services.haraka.values import IN, OUT, SECRET_FILE
from mailnix.services.mailcow.render import SECRETS
from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines, told

_TREES: Final = (
    names.STORE,
    f"{names.STORE}.encrypted",
    "/etc/ssh",
    "/etc/systemd/network",
    "/root",
    "/run/systemd/network",
    "/run/credentials",
    "/run/haraka*",
    "/run/mailnix*",
    "/var/lib/caddy",
    f"/var/lib/{IN}",
    f"/var/lib/{OUT}",
    "/var/lib/mailnix*",
    "/var/lib/unbound",
    paths.MAILCOW,
    paths.BACKUPS,
)
"""State, credentials and configuration that both systems have at the same place."""
_DEEP: Final = 4
_FOLDERS: Final = ("/", "/etc", "/var", "/var/log", "/tmp", "/run", "/boot", "/home", "/var/lib/*", "/var/spool")
"""What counts as a whole."""

_OF_THIS_BOOT: Final = re.compile(
    r"/run/credentials/@.*|.*/\.new\..*|/var/log/journal/[0-9a-f]{32}.*|.*\.(lock|pid|qf|journal)|/var/lib/systemd/(coredump|timers)/.*"
    r"|/var/lib/caddy/\.local/share/caddy/(acme|ocsp|instance|last_clean)\b.*|/var/log/.*\.(log|gz|\d)|/run/mailnix-\w+/.+"
)


def modes(data: bytes) -> Values:
    """`MODE OWNER GROUP KIND PATH` of each file; a link's mode says nothing."""
    values = {}
    for line in lines(data):
        mode, owner, group, kind, path = line.split(" ", 4)
        if not _OF_THIS_BOOT.fullmatch(path):
            values[path] = "link" if kind == "l" else f"{_KINDS.get(kind, kind)} {int(mode, 8):04o} {owner}:{group}"
    return values


_KINDS: Final = {"d": "folder", "f": "file", "s": "socket", "p": "pipe"}


def _modes_command() -> str:
    told_of = "-printf '%m %u %g %y %p\\n' 2>/dev/null"
    return (
        f"find {' '.join(_TREES)} -xdev -maxdepth {_DEEP} -path '*/.git' -prune -o {told_of}; "
        f"find {' '.join(_FOLDERS)} -maxdepth 0 {told_of}"
    )


_TEXTS: Final = (
    *(f"run/{name}/{folder}" for name in (IN, OUT) for folder in ("config", "plugins")),
    *(f"{paths.MAILCOW.lstrip('/')}/{name}" for name in ("data/conf", "data/hooks", "docker-compose*.yml")),
    f"run/{names.SHOWN}",
)
"""What programs of both systems read at the same place, wherever a system keeps it before."""


def texts(data: bytes) -> Values:
    """A tar archive: the text of each file; `told` of it, since scripts name where programs are."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = ((member.name, archive.extractfile(member)) for member in archive if member.isfile())
        return {f"/{name}": _text(name, file.read().decode(errors="replace")) for name, file in found if file}


def _text(name: str, text: str) -> str:
    """Of settings only what they say counts, not in which order and with which comments."""
    if name.endswith(".ini"):
        sections = (section.splitlines() for section in re.split(r"^(?=\[)", text, flags=re.MULTILINE))
        text = "\n".join("\n".join(sorted(filter(_SAYS.match, lines))) for lines in sections)
    return told(text.strip())


_SAYS: Final = re.compile(r"\s*[^\s;#]")

_WITH_PASSWORDS: Final = "'--exclude=*sql*' --exclude=redis.conf '--exclude=*password*'"  # Mailcow writes them
_LEFT_OUT: Final = f"--exclude={SECRET_FILE} --exclude=.git {_WITH_PASSWORDS}"
_TEXTS_COMMAND: Final = f"cd / && tar -chf - {_LEFT_OUT} -- $(ls -d {' '.join(_TEXTS)} 2>/dev/null) 2>/dev/null"


def settings(data: bytes) -> Values:
    """mailcow.conf: each variable."""
    pairs = (line.partition("=") for line in lines(data) if not line.startswith("#"))
    return {name: value.strip("'\"") for name, _, value in pairs}


_SETTINGS_COMMAND: Final = f"sed -E 's/^({'|'.join(SECRETS)})=.+/\\1=(secret)/' {paths.MAILCOW}/mailcow.conf"


QUESTIONS: Final = (
    Question("file", _modes_command(), modes),
    Question("text", _TEXTS_COMMAND, texts),
)
OF_MAILCOW: Final = Question("mailcow.conf", _SETTINGS_COMMAND, settings)
