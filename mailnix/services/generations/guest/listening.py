"""Where sshd would be heard: by its settings, by what Debian's unit starts it with, or by systemd's socket."""

from __future__ import annotations

import getopt
import ipaddress
import re
import shlex
from collections.abc import Iterable, Sequence

from .world import World

DEFAULTS = "/etc/default/ssh"
"""What ssh.service and ssh@.service have in their environment; this variable stands on sshd's command line."""
OPTIONS = re.compile(r"(?m)^\s*SSHD_OPTS=(.*)$")
SHORT = "46C:DE:GQRTVb:c:def:g:h:ik:o:p:qrtu:"  # sshd(8)
ASKED = ("-4", "-6", "-o", "-p")
"""Those that say something about who gets in, and where."""
AS_FLAGS = {"port": ("-p",), "addressfamily": ("-4", "-6")}
"""How keywords of sshd_config(5) are said there without -o."""

SOCKET = "ssh.socket"
"""Where it runs, sshd is handed what listens, and its own ports count for nothing (systemd.socket(5))."""
LISTENS = re.compile(r"(?m)^Listen=(\S+) \(Stream\)$")

ANYWHERE = ("0.0.0.0", "[::]")
SOMEWHERE = "192.0.2.1"
"""Of the internet (RFC 5737): where whoever deploys is, if nothing tells."""


def options(world: World) -> Sequence[tuple[str, str]] | None:
    """What sshd is started with beside its file, as flags and values; None where that is another file."""
    found = OPTIONS.findall(_text(world))
    try:
        value = " ".join(shlex.split(found[-1])) if found else ""
        flags, _ = getopt.getopt(shlex.split(value), SHORT)
    except (ValueError, getopt.GetoptError):
        return ()  # sshd takes none of it either, or not as it is meant
    return None if any(flag == "-f" for flag, _ in flags) else [each for each in flags if each[0] in ASKED]


def options_say(world: World, keywords: Iterable[str]) -> str:
    """Where one of these keywords is on sshd's command line; empty where none is. It counts before every file."""
    said = {
        re.split(r"[\s=]", value.strip())[0].lower() if flag == "-o" else flag for flag, value in options(world) or ()
    }
    if said.isdisjoint(name for each in keywords for name in (each, *AS_FLAGS.get(each, ()))):
        return ""
    return f"{DEFAULTS} says: SSHD_OPTS={OPTIONS.findall(_text(world))[-1].strip()}"


def _text(world: World) -> str:
    file = world.root / DEFAULTS[1:]
    return file.read_text("utf-8", "surrogateescape") if file.is_file() else ""


def by_systemd(world: World) -> Sequence[str] | None:
    """What systemd listens on for sshd, as ADDRESS:PORT: nothing where it does not say; None where sshd listens."""
    if world.run(["systemctl", "is-active", SOCKET]).output.strip() != "active":
        return None
    return LISTENS.findall(world.run(["systemctl", "show", "--property=Listen", SOCKET]).output)


def is_heard(listens: Iterable[str], port: int, here: str, *, both: bool) -> bool:
    """Whether who comes to a port of the address `here` is heard; `both` is whether [::] has IPv4, too.

    sshd's own has not (IPV6_V6ONLY), systemd's mostly has.
    """
    return any(
        _is_at(host, here, both) for host, _, at in (each.rpartition(":") for each in listens) if at == str(port)
    )


def _is_at(host: str, here: str, both: bool) -> bool:
    if here == SOMEWHERE:
        return not host.startswith(("127.", "[::1]"))
    if host in ANYWHERE:
        return both or (":" in here) == (":" in host)
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]) == ipaddress.ip_address(here)
    except ValueError:
        return True
