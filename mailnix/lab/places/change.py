"""From one description's files to the next one's, on a machine that runs: what is written, removed and started anew.

What docs/howto/change.md says, but for the restart of the machine: the network is taken down to what it was before
networkd first ran, and every unit whose files changed starts again.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import frozen

from mailnix.services.firewall.debian import RULES
from mailnix.services.firewall.debian import UNIT as FIREWALL
from mailnix.services.network.render import CHOOSER
from mailnix.tree import Entry, File, Tree

UNITS: Final = "/etc/systemd/system/"
SERVICES: Final = (
    ("/etc/haraka-in/", "haraka-in.service"),
    ("/etc/haraka-out/", "haraka-out.service"),
    ("/etc/caddy/", "caddy.service"),
    ("/etc/unbound/", "unbound.service"),
    ("/etc/ssh/", "ssh.service"),
    (RULES, FIREWALL),
)
"""Whose files lie where; a unit's own files name it."""

VIRTIO: Final = "/sys/bus/virtio"
CARDS_BACK: Final = f"""\
for found in {VIRTIO}/devices/*; do
    if [ "$(cat "$found/device")" = 0x0001 ] && [ ! -e "$found/driver" ]; then
        echo "${{found##*/}}" >{VIRTIO}/drivers/virtio_net/bind
    fi
done
udevadm settle
"""
"""Every network card that was taken out is there again."""

NETWORK_DOWN: Final = f"""\
systemctl stop systemd-networkd.socket systemd-networkd.service {CHOOSER}.service
for found in /sys/class/net/*; do
    card=${{found##*/}}
    case $card in
    lo) ;;
    wg*) ip link delete "$card" ;;
    *) ip address flush dev "$card"; ip link set "$card" down ;;
    esac
done
rm -rf /run/systemd/netif/leases/* /run/systemd/netif/links/* /run/systemd/netif/state
"""
NETWORK_UP: Final = "systemctl start systemd-networkd.service\nsystemctl restart systemd-resolved.service\n"


BEFORE: Final = (FIREWALL, f"{CHOOSER}.service")
"""What is started in its own place."""


@frozen
class Change:
    """What differs between two trees: entries to write, paths to remove."""

    written: tuple[Entry, ...]
    removed: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that is no more what it was."""
        return (*(entry.path for entry in self.written), *self.removed)


def between(old: Tree, new: Tree) -> Change:
    """What makes `old` into `new`."""
    before = set(old)
    kept = {entry.path for entry in new}
    return Change(
        tuple(entry for entry in new if entry not in before),
        tuple(entry.path for entry in old if entry.path not in kept),
    )


def archive(entries: Iterable[Entry]) -> bytes:
    """The entries as tar reads them, all root's."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            member = tarfile.TarInfo(entry.path.lstrip("/"))
            if isinstance(entry, File):
                member.size, member.mode = len(entry.data), entry.mode
                tar.addfile(member, io.BytesIO(entry.data))
            else:
                member.type, member.linkname = tarfile.SYMTYPE, entry.target
                tar.addfile(member)
    return sink.getvalue()


def lay(change: Change) -> str:
    """The script that writes and removes, with the archive on its standard input."""
    lines = ["set -e", "tar -x -C / --no-overwrite-dir"]
    lines += [f"rm -f {path}" for path in change.removed]
    return "\n".join(lines) + "\n"


def card_out(mac: str) -> str:
    """A script that takes out a network card, as if the machine had none such."""
    return f"""\
for found in /sys/class/net/*; do
    if [ "$(cat "$found/address")" = {mac} ]; then
        basename "$(readlink "$found/device")" >{VIRTIO}/drivers/virtio_net/unbind
    fi
done
"""


PEERS_ANEW: Final = """\
for tunnel in $(wg show interfaces); do wg showconf "$tunnel" | wg setconf "$tunnel" /dev/stdin; done
"""
"""Handshakes begin again, as where the other end is new; all else stays."""


def use(change: Change, cards: str = "") -> str:
    """The script that brings the machine to what its files say now, the network from nothing.

    `cards` is a script that takes out network cards, or puts them back.
    """
    lines = ["set -e", *([cards.rstrip()] if cards else []), NETWORK_DOWN.rstrip()]
    if any(path.startswith(UNITS) for path in change.paths):
        lines.append("systemctl daemon-reload")
    if any(path.startswith("/etc/sysctl.d/") for path in change.paths):
        lines.append("sysctl -q --system")
    if RULES in change.paths:
        lines.append(f"systemctl reload-or-restart {FIREWALL}")
    lines.append(NETWORK_UP.rstrip())
    again = [unit for unit in dict.fromkeys(units(change.paths)) if unit not in BEFORE]
    lines += [f"systemctl --no-block try-restart {' '.join(again)}"] if again else []
    fresh = [path.rpartition("/")[2] for path in _wanted(change)]
    lines += [f"systemctl --no-block start {' '.join(fresh)}"] if fresh else []
    return "\n".join(lines) + "\n"


def units(paths: Iterable[str]) -> Iterator[str]:
    """The units that files belong to."""
    for path in paths:
        yield from (unit for folder, unit in SERVICES if path.startswith(folder))
        own = re.fullmatch(rf"{UNITS}([^/]+\.(?:service|timer|path|socket))(?:\.d/.*)?", path)
        if own:
            yield own[1]


def _wanted(change: Change) -> Iterator[str]:
    """Links that say that a unit is to be started, where there were none."""
    yield from (entry.path for entry in change.written if re.fullmatch(rf"{UNITS}[^/]+\.wants/[^/]+", entry.path))
