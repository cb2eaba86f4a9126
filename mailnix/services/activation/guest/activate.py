#!/usr/bin/python3
"""activate [--dry-run FILE | --leave]: make a running machine follow the files that dpkg has just laid.

Compares what is described (files.json, laid with the files) with what was activated last, and has systemd restart or
reload what reads a file that changed: nothing else. The first time, on a server that somebody else set up, networkd
takes the network over with its addresses as they are. With --dry-run FILE it prints what it would do for that
files.json, a command a line, and does nothing; --leave stops what is ours, before dpkg takes the files away.

It ends with 1 where something that systemd does at once failed. What takes its time (Mailcow) or waits (for
credentials) is only told to start.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DESCRIBED = "/usr/lib/mailnix/files.json"
ACTIVE = "/var/lib/mailnix/active.json"
ENABLED = "/var/lib/mailnix/enabled"
"""Units that were enabled for us, a line each: disabled again when mailnix leaves."""

NETDEV = "/etc/systemd/network/"
MANAGER = "/etc/systemd/system.conf.d/"
HOSTNAME = "/etc/hostname"
KEEP_LEASE = "/usr/lib/mailnix/keep-lease"
NETWORKD = "systemd-networkd.service"

IN_ORDER = (
    "systemd-sysusers.service",
    "systemd-sysctl.service",
    "systemd-journald.service",
    "mailnix-firewall.service",
    "mailnix-uplink.service",
    NETWORKD,
    "systemd-resolved.service",
    "ssh.service",
    "docker.service",
)
"""What others need, one after the other, each waited for."""

KEPT = ("ssh.service", NETWORKD, "systemd-resolved.service")
"""Never stopped by us, whatever leaves."""

Command = tuple[str, ...]
Listed = Mapping[str, Any]
NOTHING: Listed = {"files": {}, "read_by": {}, "wanted": [], "enabled": [], "masked": []}


def changed(old: Listed, new: Listed) -> set[str]:
    """Paths that are new, other than they were, or gone."""
    paths = {*old["files"], *new["files"]}
    return {path for path in paths if old["files"].get(path) != new["files"].get(path)}


def verbs(old: Listed, new: Listed) -> dict[str, str]:
    """Unit → verb for what changed: a restart where one of its files wants that. Units that go are not in it."""
    found: dict[str, str] = {}
    for path in sorted(changed(old, new)):
        for unit, verb in (new["read_by"].get(path) or old["read_by"].get(path) or {}).items():
            if found.get(unit) != "restart":
                found[unit] = verb
    gone = {*old["wanted"]} - {*new["wanted"]}
    return {unit: verb for unit, verb in found.items() if unit not in gone and verb in ("restart", "reload")}


def in_doubt(old: Listed, new: Listed) -> Listed:
    """What can be said while the way from one to the other is not over, or ended in the middle.

    Each changed file may be read or not, each unit of either run or not: so whatever is described next, the old one
    again above all, restarts all of them. `stopped` are those that may not run although they are wanted.
    """
    return {
        **new,
        "files": {**new["files"], **dict.fromkeys(changed(old, new), "")},
        "read_by": {**old["read_by"], **new["read_by"]},
        "wanted": sorted({*old["wanted"], *new["wanted"]}),
        "masked": [unit for unit in new["masked"] if unit in old["masked"]],
        "stopped": sorted({*old.get("stopped", ()), *old["wanted"]} - {*new["wanted"]}),
    }


def commands(old: Listed, new: Listed) -> Iterator[Command]:
    """What is to be done, in this order."""
    differing = changed(old, new)
    if leaving := [unit for unit in old["wanted"] if unit not in new["wanted"] and unit not in KEPT]:
        yield ("systemctl", "stop", *leaving)
    if masked := [unit for unit in new["masked"] if unit not in old["masked"]]:
        yield ("systemctl", "stop", *masked)
    if any(path.startswith(MANAGER) for path in differing):
        yield ("systemctl", "daemon-reexec")
    elif differing:
        yield ("systemctl", "daemon-reload")
    if HOSTNAME in differing:
        yield ("hostname", "-F", HOSTNAME)
    for card in netdevs(differing):
        yield ("ip", "link", "delete", card)
    yield from _units(old, new, bool(netdevs(differing)))


def netdevs(paths: Iterable[str]) -> list[str]:
    """The interfaces whose .netdev changed: networkd makes one, and never changes it (systemd.netdev(5))."""
    names = sorted(path.removeprefix(NETDEV) for path in paths if path.startswith(NETDEV) and path.endswith(".netdev"))
    return [name.removesuffix(".netdev").partition("-")[2] for name in names]


def _units(old: Listed, new: Listed, new_cards: bool) -> Iterator[Command]:
    todo = verbs(old, new)
    if new_cards:
        todo[NETWORKD] = "restart"
    come = [unit for unit in new["wanted"] if unit not in old["wanted"] or unit in old.get("stopped", ())]
    doubted = "stopped" in old  # units may have failed, and a failed one is not tried
    if doubted:
        yield ("systemctl", "reset-failed")
    for unit in IN_ORDER:
        verb = todo.pop(unit, None)
        if unit in come:
            yield ("systemctl", "restart", unit)
        elif unit == NETWORKD and verb == "reload":
            yield ("networkctl", "reload")  # "reload" of the unit itself is younger than Debian 13
        elif verb is not None:
            yield ("systemctl", "restart" if verb == "restart" else "reload-or-restart", unit)
    rest = [unit for unit in come if unit not in IN_ORDER]
    if rest:
        yield ("systemctl", "--no-block", "start", *rest)
    for unit, verb in todo.items():
        if unit not in rest:
            trying = "" if doubted and unit in new["wanted"] else "try-"
            running = "restart" if verb == "restart" else "reload-or-restart"
            yield ("systemctl", "--no-block", f"{trying}{running}", unit)


def take_over(root: Path) -> Iterator[Command]:
    """The first time: networkd gets the cards, as they are, from whatever program had them, which lets go untidily.

    ifupdown's DHCP clients would take the address with them when told to stop, and the connection that this comes by.
    """
    yield (KEEP_LEASE,)
    for unit in ("networking.service", "ifup@*.service", "dhcpcd.service"):
        yield ("systemctl", "kill", "--signal=KILL", unit)
    yield ("systemctl", "stop", "NetworkManager.service")
    for made in sorted((root / "run/systemd/network").glob("*netplan*")):
        yield ("rm", "-f", f"/{made.relative_to(root)}")
    yield ("systemctl", "daemon-reload")


MAY_FAIL = ("kill", "stop", "delete", "rm")
"""Words whose failure says that there was nothing to end."""


class Machine:
    """Where it happens: below a root, commands by a runner that gives back the status."""

    def __init__(self, root: Path, run: Callable[[Sequence[str]], int]) -> None:
        self.root, self.run = root, run

    def listed(self, path: str) -> Listed | None:
        """A files.json, or None where there is none, or a damaged one."""
        try:
            found = json.loads((self.root / path.lstrip("/")).read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {*NOTHING} <= {*found} else None

    def write(self, path: str, text: str) -> None:
        """Whole or not at all, also after a power cut."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".{place.name}.new")
        with new.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(place)

    def all(self, todo: Iterable[Command]) -> list[Command]:
        """Run each; gives back what failed."""
        return [each for each in todo if self.run(each) != 0 and not {*MAY_FAIL} & {*each}]


def enabling(machine: Machine, new: Listed) -> Iterator[Command]:
    """Units of Debian's packages that shall run and are off; which, is remembered for the day when mailnix leaves."""
    units = [unit for unit in new["enabled"] if machine.run(("systemctl", "--quiet", "is-enabled", unit)) != 0]
    if units:
        place = machine.root / ENABLED.lstrip("/")
        before = place.read_text().split() if place.exists() else []
        machine.write(ENABLED, "".join(f"{unit}\n" for unit in dict.fromkeys([*before, *units])))
        yield ("systemctl", "enable", *units)


def activate(machine: Machine) -> list[Command]:
    """Bring the machine to what is described, and remember it; gives back what failed (then it is tried again)."""
    new, old = machine.listed(DESCRIBED), machine.listed(ACTIVE)
    if new is None:
        raise SystemExit(f"mailnix: {DESCRIBED} cannot be read")
    failed = []
    if old is None:
        failed += machine.all(take_over(machine.root))
    failed += machine.all(enabling(machine, new))
    for path, laid in sorted((old or NOTHING)["files"].items()):
        if path not in new["files"]:
            _remove(machine, path, laid)
    if old is not None and any(commands(old, new)):
        machine.write(ACTIVE, json.dumps(in_doubt(old, new)))
    failed += machine.all(commands(old or NOTHING, new))
    if not failed:
        machine.write(ACTIVE, json.dumps(new))
    return failed


def _remove(machine: Machine, path: str, laid: str) -> None:
    """A file that an image of ours laid, and no generation has any more; dpkg has removed what was its own.

    What stood aside for it may be back there: that is somebody else's.
    """
    place = machine.root / path.lstrip("/")
    if digest(place) == laid and machine.run(("dpkg-query", "--search", path)) != 0:
        place.unlink(missing_ok=True)


def digest(place: Path) -> str:
    """As files.json has it; empty where there is nothing."""
    if place.is_symlink():
        return f"-> {place.readlink()}"
    if not place.is_file():
        return ""
    return hashlib.sha256(b"%o\n" % (place.stat().st_mode & 0o7777) + place.read_bytes()).hexdigest()


def leave(machine: Machine) -> list[Command]:
    """Stop what is ours and give the network back to what had it, if anything had."""
    old = machine.listed(ACTIVE) or machine.listed(DESCRIBED) or NOTHING
    stopped = [unit for unit in old["wanted"] if unit not in KEPT]
    return machine.all(
        [("systemctl", "stop", *stopped), *(("ip", "link", "delete", card) for card in netdevs(old["files"]))]
    )


def _really(command: Sequence[str]) -> int:
    """Run one command; its words go where ours go."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def main(words: Sequence[str]) -> int:
    """What was asked for; the status to end with."""
    machine = Machine(Path("/"), _really)
    match words:
        case []:
            failed = activate(machine)
        case ["--leave"]:
            leave(machine)
            failed = []
        case ["--dry-run", file]:
            new = machine.listed(str(Path(file).absolute())) or NOTHING
            print("\n".join(" ".join(each) for each in commands(machine.listed(ACTIVE) or NOTHING, new)))
            failed = []
        case _:
            print((__doc__ or "").partition("\n")[0], file=sys.stderr)
            return 2
    for command in failed:
        print(f"mailnix: failed: {' '.join(command)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
