"""The time: a server under the names that Debian's and NixOS's time clients ask; it tells the internet's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet.layout import Layout
from mailnix.model import ports
from mailnix.tree import Entry, File

POOLS: Final = tuple(f"{number}.{system}.pool.ntp.org" for system in ("debian", "nixos") for number in range(4))
"""What systemd-timesyncd is built to ask on Debian, and what NixOS's `networking.timeServers` is by default."""

PROGRAM: Final = "/usr/lib/mailnix-internet/clock.py"
SOCKET: Final = "mailnix-internet-clock.socket"

SERVICE: Final = f"""\
[Unit]
Description=Time server

[Service]
ExecStart={PROGRAM}
DynamicUser=yes
"""


def entries(layout: Layout) -> Iterator[Entry]:
    """The server's units; it starts when somebody asks, so it costs a boot nothing."""
    yield File(f"/etc/systemd/system/{SOCKET}", socket(layout))
    yield File(f"/etc/systemd/system/{SOCKET.removesuffix('.socket')}.service", SERVICE)


def socket(layout: Layout) -> str:
    """One address, whether it is there yet or not."""
    return f"""\
[Unit]
Description=Time server's socket

[Socket]
ListenDatagram={layout.time.ipv4}:{ports.NTP}
FreeBind=yes

[Install]
WantedBy=sockets.target
"""


def zone_lines(layout: Layout) -> Iterator[str]:
    """The pools' names."""
    return (f"{name}. IN A {layout.time.ipv4}" for name in POOLS)
