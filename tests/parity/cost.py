"""What a machine costs: how long it boots, what it holds in memory when idle, how much there is of it on its disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from tests.parity.facts import Unanswered

KIND: Final = "cost"
COMMAND: Final = """
systemd-analyze time
grep -E '^(MemTotal|MemAvailable):' /proc/meminfo
df -B1 --output=used / | tail -n 1 | sed 's/^/used /'
"""
MIB: Final = 1024 * 1024
_UNITS: Final = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 0.001}


@frozen
class Cost:
    """Seconds until systemd had worked off the boot's jobs, of them those of the kernel and its initrd; MiB."""

    boot: float
    kernel: float
    memory: float
    disk: float


def read(text: str) -> Cost:
    """What `COMMAND` prints: `systemd-analyze time`, two lines of /proc/meminfo in KiB, and `used BYTES`.

    Raises Unanswered where the boot has not come to its end.
    """
    boot = re.search(r"^Startup finished in (.*?)(?: = (.*))?$", text, re.MULTILINE)
    if boot is None or boot[2] is None:
        raise Unanswered(f"no boot that has ended: {text.strip()}")
    parts = {name: seconds(took) for took, name in re.findall(r"([^()+]+) \((\w+)\)", boot[1])}
    memory = {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
    used = re.search(r"^used +(\d+)", text, re.MULTILINE)
    return Cost(
        boot=seconds(boot[2]),
        kernel=sum(parts.get(name, 0) for name in ("kernel", "initrd")),
        memory=(memory["MemTotal"] - memory["MemAvailable"]) / 1024,
        disk=int(used[1]) / MIB if used else 0,
    )


def seconds(text: str) -> float:
    """A time as systemd says it: `1min 2.345s`."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(h|min|ms|s)\b", text))


def table(debian: Mapping[str, Cost], nixos: Mapping[str, Cost]) -> str:
    """Both systems side by side, in Markdown."""
    lines = ["| machine | | Debian | NixOS's layer |", "|---|---|---|---|"]
    for name in debian:
        here, there = debian[name], nixos[name]
        for what, shown in _ROWS.items():
            lines.append(f"| {name} | {what} | {shown(here)} | {shown(there)} |")
    return "\n".join(lines) + "\n"


_ROWS: Final[Mapping[str, Callable[[Cost], str]]] = {
    "boot, until nothing is left to start": lambda each: f"{each.boot:.0f} s",
    "of that the kernel and its initrd": lambda each: f"{each.kernel:.0f} s",
    "memory in use when idle": lambda each: f"{each.memory:.0f} MiB",
    "on the disk": lambda each: f"{each.disk:.0f} MiB",
}
