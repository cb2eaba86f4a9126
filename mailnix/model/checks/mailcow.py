"""Mailcow's own settings: variables of mailcow.conf and lines for other files, without those that are ours."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Final

from mailnix.model import mailcow
from mailnix.model.checks.found import Found, each
from mailnix.model.mailcow import ExtraLines, Setting
from mailnix.model.topology import Internal, Topology

HEALTH_CHECK: Final = "SKIP_UNBOUND_HEALTHCHECK"
_PARAMETER: Final = re.compile(r"^([A-Za-z0-9_]+)[ \t]*=(.*(?:\n[ \t].*)*)", re.MULTILINE)
_PROTOCOLS: Final = re.compile(r"^[ \t]*protocols[ \t]*=(.*)", re.MULTILINE)
_MILTERS: Final = {
    "smtpd_milters": "nothing looks for spam, and no mail is signed (DKIM)",
    "non_smtpd_milters": "nothing looks at what this machine sends by itself",
}
_RSPAMD: Final = "rspamd:"
_UNQUOTABLE: Final = re.compile(r"['\\\x00-\x1f\x7f]")


def check(topology: Topology, found: Found) -> None:
    """Check each variable, then each file."""
    internal = topology.internal
    if not isinstance(internal, Internal):
        return
    seen: set[str] = set()
    for path, setting in each(internal.settings, Setting, "internal.settings"):
        if isinstance(setting.name, str):
            _setting(setting, f"internal.settings.{setting.name}" if setting.name else path, found)
            _once(setting.name, seen, f"internal.settings.{setting.name}", found)
            if setting.name == HEALTH_CHECK and internal.resolver_check is False and setting.value in (False, "n"):
                message = "says yes to what resolver_check=False says no to"
                found.error(f"internal.settings.{setting.name}", message, "leave one of them out")
    files: set[str] = set()
    for _, extra in each(internal.extra_lines, ExtraLines, "internal.extra_lines"):
        if isinstance(extra.file, str):
            _extra(extra, f"internal.extra_lines.{extra.file}", found)
            _once(extra.file, files, f"internal.extra_lines.{extra.file}", found)


def _once(name: str, seen: set[str], path: str, found: Found) -> None:
    if name in seen:
        found.error(path, "is given twice", "leave one of them out")
    seen.add(name)


def _setting(setting: Setting, path: str, found: Found) -> None:
    if setting.name in mailcow.OWNED:
        owner = mailcow.OWNED[setting.name]
        message = f"{setting.name} is not for settings: it follows from {owner}"
        field = owner.split()[0] if "." in owner else ""
        found.error(path, message, f"say it by {field}" if field else "leave it out")
    elif setting.name not in mailcow.FREE:
        known = mailcow.FREE | mailcow.OWNED.keys()
        message = f"{setting.name[:40]} is no variable of Mailcow's mailcow.conf"
        found.error(path, message, _nearest(setting.name.upper(), known, "see its generate_config.sh for the names"))
    elif problem := _value_problem(setting):
        found.error(path, *problem)
    elif setting.name in mailcow.TELLTALE and setting.value:
        message = "whoever reads what is emitted reads this, on NixOS every user of the machine"
        found.warning(path, message, "use a key that is of no use elsewhere")


def _value_problem(setting: Setting) -> tuple[str, str] | None:
    name, value = setting.name, setting.value
    if not isinstance(value, str | int):
        return None  # the shape check's
    if name in mailcow.FLAGS and not (isinstance(value, bool) or value in ("y", "n")):
        return f"{value!r} is neither y nor n", 'write "y" or "n"'
    if name in mailcow.NUMBERS and not _is_number(value):
        return f"{value!r} is not a whole number", "write one without quotes"
    if name in mailcow.TEXTS and not isinstance(value, str):
        return f"{value!r} is not a text", "put it in quotes"
    if isinstance(value, str) and _UNQUOTABLE.search(value):
        return f"{value[:40]!r} cannot stand in mailcow.conf", "leave out ', \\ and line ends"
    return None


def _is_number(value: str | int) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit()
    return not isinstance(value, bool) and value >= 0


def _extra(extra: ExtraLines, path: str, found: Found) -> None:
    if extra.file.removeprefix("data/conf/") != extra.file:
        found.error(path, "begins with data/conf/", f"write {extra.file.removeprefix('data/conf/')}")
    elif not _is_place(extra.file):
        message = f"{extra.file[:60]} is no file of Mailcow's that takes more lines"
        found.error(path, message, _nearest(extra.file, mailcow.PLACES, f"it may be {', '.join(mailcow.PLACES)}"))
    elif extra.file in mailcow.THEIRS:
        hint = "its .custom.inc takes more" if "/worker-" in extra.file else "take a file beside it"
        found.error(path, "comes with Mailcow, and these lines would stand in the place of Mailcow's", hint)
    elif isinstance(extra.lines, str) and "\0" in extra.lines:
        found.error(path, "is not text")
    elif isinstance(extra.lines, str) and extra.file == mailcow.EXTRA_CF:
        _postfix(extra.lines, path, found)
    elif isinstance(extra.lines, str) and extra.file == mailcow.EXTRA_CONF:
        _dovecot(extra.lines, path, found)


def _dovecot(lines: str, path: str, found: Found) -> None:
    said = _PROTOCOLS.findall(lines)
    if said and not {"lmtp", "$protocols"} & {*said[-1].split()}:
        found.warning(path, "protocols without lmtp: no mail is delivered, for it comes by that", "add lmtp")


def _postfix(lines: str, path: str, found: Found) -> None:
    for name, value in _PARAMETER.findall(lines):
        if name in mailcow.POSTFIX:
            found.error(path, f"{name} is ours: {mailcow.POSTFIX[name]}", "leave it out")
        elif name in _MILTERS and _RSPAMD not in value:
            found.warning(path, f"{name} without rspamd: {_MILTERS[name]}", "name inet:rspamd:9900, too")


def _is_place(file: str) -> bool:
    """By pattern, whose star stands for part of a name alone."""
    return any(
        fnmatchcase(file, pattern) and file.count("/") == pattern.count("/") and not file.endswith("/")
        for pattern in mailcow.PLACES
    )


def _nearest(name: str, known: Collection[str], otherwise: str) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else otherwise
