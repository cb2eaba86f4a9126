"""Programs that are to ask another resolver than the machine's, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def with_nameserver(nameserver: str, folder: Path) -> list[str | Path]:
    """Words before a command that let it see another /etc/resolv.conf; none without a nameserver."""
    if not nameserver:
        return []
    (folder / "resolv.conf").write_text(f"nameserver {nameserver}\n")
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, folder / "resolv.conf"]


def with_hosts(addresses: Mapping[str, str], folder: Path) -> list[str | Path]:
    """Words before a command that let it find these names at these addresses."""
    file = folder / "hosts"
    file.write_text("".join(f"{address} {name}\n" for name, address in addresses.items()))
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', file]
