#!/usr/bin/python3
"""keep-lease: have networkd ask for an address by the name that the program before it used, so that it is the same.

A router gives an address to a client identifier (RFC 2131 2), and networkd's own is no other program's. Which program
asked last is seen by the leases that they keep. With networkd before, and with none, nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

DROP_IN = "/etc/systemd/network/20-uplink.network.d/lease.conf"
NETWORKD = "run/systemd/netif/leases/*"
DHCPCD = "var/lib/dhcpcd/*.lease"
OTHERS = ("var/lib/dhcp/dhclient*.leases", "var/lib/NetworkManager/*.lease")
"""They send the card's address, or nothing, for which it stands: dhclient.conf(5), nm-settings(5)."""

DUID = "var/lib/dhcpcd/duid"
TYPES = {1: "link-layer-time", 2: "vendor", 3: "link-layer", 4: "uuid"}
"""RFC 8415 11, in the words of networkd.conf(5)."""

BY_CARD = "[DHCPv4]\nClientIdentifier=mac\n"


def identity(root: Path) -> str:
    """What a drop-in of systemd.network(5) says of it; empty where networkd's own is right."""
    found = newest(root, (NETWORKD, DHCPCD, *OTHERS))
    if found is None or found.match(NETWORKD):
        return ""
    return (by_duid(root, found.name.split(".")[0].split("-")[0]) if found.match(DHCPCD) else "") or BY_CARD


def newest(root: Path, patterns: Iterable[str]) -> Path | None:
    """The lease that was written last."""
    leases = [path for pattern in patterns for path in root.glob(pattern) if path.is_file() and path.stat().st_size]
    return max(leases, key=lambda path: path.stat().st_mtime, default=None)


def by_duid(root: Path, card: str) -> str:
    """As dhcpcd.conf(5) has it with `duid`, Debian's default: RFC 4361, with the end of the card's address."""
    try:
        settings = (root / "etc/dhcpcd.conf").read_text().splitlines()
        duid = bytes.fromhex((root / DUID).read_text().strip().replace(":", ""))
        address = bytes.fromhex((root / "sys/class/net" / card / "address").read_text().strip().replace(":", ""))
    except (OSError, ValueError):
        return ""
    kind = TYPES.get(int.from_bytes(duid[:2], "big"))
    if kind is None or not any(line.split("#")[0].split()[:1] == ["duid"] for line in settings):
        return ""
    number = int.from_bytes(address[-4:], "big")
    return f"[DHCPv4]\nClientIdentifier=duid\nIAID={number}\nDUIDType={kind}\nDUIDRawData={duid[2:].hex(':')}\n"


def main(root: Path = Path("/")) -> int:
    """Write it, or see that there is none."""
    place = root / DROP_IN.lstrip("/")
    if text := identity(root):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    else:
        place.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
