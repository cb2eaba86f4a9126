"""The system itself: units, clock, room, memory, updates, credentials."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import Any

from .here import CouldNotAsk, Here

LOOKS = 3
BETWEEN = 5.0
"""Seconds between looks at what is not as it should be: a service that is just being restarted is well again."""

SHOWN = ("Id", "LoadState", "ActiveState", "SubState", "Result")
KILLED = re.compile(r"[Oo]ut of memory: Killed process \d+ \(([^)]*)\)")
PLANNED = re.compile(r"Inst (?P<name>\S+)(?: \[[^]]+\])? \(\S+ ?(?P<origins>[^)]*)\)")
SECURITY = re.compile(r"-security\b", re.IGNORECASE)
NUMBERS = re.compile(r"(\d+)")
LISTS = ("/var/lib/apt/periodic/update-stamp", "/var/lib/apt/lists/partial", "/var/lib/apt/lists")
"""What is touched when apt fetches lists, by its timer or by hand; lists themselves have their archive's date."""
OFFSET = re.compile(r"([+-]?[\d.]+)(us|ms|s|min)")
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}


def units(here: Here, told: Any) -> Any:
    """Each unit that is asked for in systemd's words (systemctl(1)), and which units have failed."""
    found: list[dict[str, str]] = []
    failed: list[str] = []
    for look in range(LOOKS):
        found = list(_units(here, told))
        failed = _failed(here)
        if not failed and not any(_may_come(unit) for unit in found):
            break
        if look < LOOKS - 1:
            here.sleep(BETWEEN)
    return {"units": found, "failed": failed}


def _may_come(unit: dict[str, str]) -> bool:
    """Whether it may run in a moment: what is not there (another system's name for it, say) will not come."""
    return unit["load"] == "loaded" and unit["active"] != "active"


def _units(here: Here, names: list[str]) -> Iterator[dict[str, str]]:
    said = here.ask("systemctl", "show", f"--property={','.join(SHOWN)}", "--", *names)
    for block in said.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" not in values:
            raise CouldNotAsk("systemctl shows no units")
        yield {
            "name": values["Id"],
            "load": values.get("LoadState", ""),
            "active": values.get("ActiveState", ""),
            "sub": values.get("SubState", ""),
            "result": values.get("Result", ""),
        }


def _failed(here: Here) -> list[str]:
    said = here.ask("systemctl", "list-units", "--failed", "--plain", "--full", "--no-legend", "--no-pager")
    return sorted(line.split()[0] for line in said.splitlines() if line.strip())


def clock(here: Here, _told: Any) -> Any:
    """What time it is there, who says so, and by how much that one is ahead of us in seconds, where it is known."""
    said = here.ask("timedatectl", "show", "--property=NTPSynchronized", "--value")
    try:
        server, offset = _timesyncd(here)
    except CouldNotAsk:
        server, offset = _chrony(here)
    return {
        "synchronised": said.strip() == "yes",
        "server": server,
        "offset": offset,
        "now": here.now(),
        "up": float(here.text("/proc/uptime").split()[0]),
    }


def _timesyncd(here: Here) -> tuple[str, float | None]:
    said = here.ask("timedatectl", "timesync-status", "--no-pager")
    values = dict(line.strip().split(": ", 1) for line in said.splitlines() if ": " in line)
    parts = OFFSET.findall(values.get("Offset", ""))
    return values.get("Server", ""), sum(float(number) * UNITS[unit] for number, unit in parts) if parts else None


def _chrony(here: Here) -> tuple[str, float | None]:
    """Fields of `chronyc -c tracking`: 2 is the server's name, 5 how far the system's clock is off (chronyc(1))."""
    try:
        fields = here.ask("chronyc", "-c", "tracking").strip().split(",")
        return fields[1], float(fields[4])
    except (CouldNotAsk, IndexError, ValueError):
        return "", None


def disks(here: Here, told: Any) -> Any:
    """Room on each file system that one of these places is on, each once, by the first of its places."""
    seen: dict[int, dict[str, object]] = {}
    for place in told:
        path = here.at(place)
        if path.exists() and (device := path.stat().st_dev) not in seen:
            found = os.statvfs(path)
            seen[device] = {
                "place": place,
                "size": found.f_blocks * found.f_frsize,
                "free": found.f_bavail * found.f_frsize,
                "files": found.f_files,
                "files_free": found.f_favail,
                "read_only": bool(found.f_flag & os.ST_RDONLY),
            }
    return list(seen.values())


def memory(here: Here, _told: Any) -> Any:
    """Bytes, at the best of three moments; and what the kernel has killed within a day for want of memory."""
    best: dict[str, int] = {}
    for look in range(LOOKS):
        said = here.text("/proc/meminfo")
        now = {name: int(kb) << 10 for name, kb in re.findall(r"^(\w+): +(\d+) kB$", said, re.M)}
        if now.get("MemAvailable", 0) >= best.get("MemAvailable", -1):
            best = now
        if look < LOOKS - 1:
            here.sleep(1.0)
    journal = ("journalctl", "--dmesg", "--since=-24h", "--output=cat", "--quiet", "--no-pager")
    killed = here.run(*journal, "--grep=ut of memory: Killed").out  # with status 1 where nothing matches
    return {
        "total": best["MemTotal"],
        "available": best["MemAvailable"],
        "swap": best["SwapTotal"],
        "swap_free": best["SwapFree"],
        "killed": KILLED.findall(killed),
    }


def updates(here: Here, told: Any) -> Any:
    """Debian's security updates by the lists that are there; ages in seconds, None for what never was."""
    if is_nixos(here):
        return {"nixos": here.text("/run/current-system/nixos-version").strip(), "pending": []}
    said = here.ask("apt-get", "--quiet", "--simulate", "--with-new-pkgs", "upgrade", within=60.0)
    planned = filter(None, map(PLANNED.match, said.splitlines()))
    return {
        "pending": sorted({match["name"] for match in planned if SECURITY.search(match["origins"])}),
        "lists": min(filter(None, (_age(here, path) for path in LISTS)), default=None),
        "upgraded": _age(here, "/var/lib/apt/periodic/upgrade-stamp"),
        "born": _age(here, told["born"]),
    }


def _age(here: Here, path: str) -> float | None:
    try:
        return max(0.0, here.now() - here.at(path).stat().st_mtime)
    except OSError:
        return None


def is_nixos(here: Here) -> bool:
    """Whether it keeps its generations by itself."""
    return here.at("/etc/NIXOS").exists()


def reboot(here: Here, _told: Any) -> Any:
    """Why it wants to be started anew; empty where it does not."""
    if is_nixos(here):
        booted, current = (here.at(f"/run/{which}-system/kernel").resolve() for which in ("booted", "current"))
        return "" if booted == current else "it runs another kernel than its system has"
    if here.at("/run/reboot-required").exists():
        return "a package asks for it"
    now = here.ask("uname", "-r").strip()
    kernels = [path.name.removeprefix("vmlinuz-") for path in here.at("/boot").glob("vmlinuz-*")]
    newest = max(kernels, key=_in_order, default=now)
    return f"it runs Linux {now}, and has {newest}" if now in kernels and newest != now else ""


def _in_order(version: str) -> list[tuple[int, str]]:
    """So that 6.12.9 comes before 6.12.48."""
    return [(int(each), "") if each.isdigit() else (0, each) for each in NUMBERS.split(version)]


def credentials(here: Here, told: Any) -> Any:
    """Each credential that is asked for: whether it is there, how long, whose, and who may read it. No content."""
    return {
        "store": _modes(here, told["store"]),
        "credentials": [{"name": name, **_modes(here, f"{told['store']}/{name}")} for name in told["names"]],
    }


def _modes(here: Here, path: str) -> dict[str, Any]:
    try:
        found = here.at(path).stat()
    except OSError:
        return {"there": False}
    return {"there": True, "size": found.st_size, "owner": found.st_uid, "mode": stat.S_IMODE(found.st_mode)}
