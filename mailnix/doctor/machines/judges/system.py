"""Is the system itself well: units, clock, room, memory, updates, credentials?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.machines.asked import ON_NIXOS, wanted_units
from mailnix.doctor.machines.facts import Clock, Credentials, Disk, Kept, Memory, Unit, Units, Updates
from mailnix.doctor.machines.seen import Asking, Seen, days
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.services.credentials import names
from mailnix.services.mailcow import units as mailcow

SKEW: Final = 60.0
"""Seconds between two clocks: one-time passwords last 30, DKIM's and TLS' dates forgive no more than a minute or so."""

OFFSET: Final = 1.0
"""Seconds; timesyncd and chrony keep to milliseconds, so that more is not drift."""

SETTLES: Final = 600.0
"""Seconds after boot in which a clock need not be set yet: time servers are asked again after minutes."""

NEARLY: Final = 0.90
FULL: Final = 0.97
"""Shares of a file system: from the first on somebody should look; from the second on mail is soon refused."""

SCARCE: Final = 0.05
"""The share of memory that is left when the kernel is about to kill programs."""

UNATTENDED: Final = 2 * 86400.0
"""Seconds: unattended-upgrades runs daily, so that what is older than two days is held up."""

OWN_CHECKS: Final = frozenset({f"{mailcow.PROVISION}.service", f"{mailcow.BACKUP}.service"})
"""Units that other checks are about."""


def units(seen: Seen, said: Units) -> Iterator[Verdict]:
    """Those of ours run; none has failed."""
    by_name = {unit.name: unit for unit in said.units}
    wanted = [ON_NIXOS.get(each, each) if _is_nixos(seen) else each for each in wanted_units(seen.plan, seen.host)]
    wanted = [each for each in wanted if each not in OWN_CHECKS]
    ill = [name for name in wanted if not _runs(by_name.get(name))]
    for name in ill:
        yield _unit(seen, name, by_name.get(name))
    others = [name for name in said.failed if name not in {*wanted, *OWN_CHECKS}]
    for name in others:
        look = seen.on(f"systemctl status {name}; journalctl -u {name}")
        yield Verdict(seen.about(name), Answer.WRONG, "it has failed", look, severity=Severity.WARNING)
    if not ill and not others:
        yield seen.well(f"{len(wanted)} units of mailnix run, none has failed")


def _is_nixos(seen: Seen) -> bool:
    return seen.facts is not None and seen.facts.os == "nixos"


def _runs(unit: Unit | None) -> bool:
    return unit is not None and unit.load == "loaded" and unit.active == "active"


def _unit(seen: Seen, name: str, unit: Unit | None) -> Verdict:
    if unit is None or unit.load == "not-found":
        advice = f"mailnix deploy CONFIG {seen.name} brings it"
        return Verdict(seen.about(name), Answer.ABSENT, "there is no such unit", advice)
    if unit.load != "loaded":
        return Verdict(seen.about(name), Answer.WRONG, f"it is {unit.load}", seen.on(f"systemctl unmask {name}"))
    detail = unit.result if unit.active == "failed" else unit.sub
    state = f"{unit.active} ({detail})" if detail and detail != unit.active else unit.active
    advice = seen.on(f"journalctl -u {name}, then: systemctl restart {name}")
    return Verdict(seen.about(name), Answer.WRONG, f"it is {state}", advice)


def clock(seen: Seen, said: Clock) -> Iterator[Verdict]:
    """It is right, and a time server says so."""
    skew = max(seen.begun.timestamp() - said.now, said.now - seen.ended.timestamp(), 0.0)
    advice = seen.on("timedatectl timesync-status; is UDP 123 open to the internet?")
    if said.synchronised:
        if said.offset is not None and abs(said.offset) > OFFSET:
            text = f"it is {abs(said.offset):.1f} seconds away from its time server {said.server}"
            yield Verdict(seen.name, Answer.WRONG, text, advice)
        elif skew > SKEW:
            text = f"its time server agrees with it, and it differs by {days(skew)} from the clock here"
            yield Verdict(seen.name, Answer.WRONG, text, "timedatectl, there and here: one of the two is wrong")
        else:
            yield seen.well(f"set by {said.server or 'a time server'}")
    elif skew > SKEW:
        text = f"it is wrong by {days(skew)}, and no time server has set it"
        yield Verdict(seen.name, Answer.WRONG, text, advice, severity=Severity.FAILURE)
    elif said.up < SETTLES:
        yield seen.well(f"not set yet, {days(said.up)} after boot, and right")
    else:
        yield Verdict(seen.name, Answer.ABSENT, "no time server has set it; it is right for now", advice)


def disk(seen: Seen, said: tuple[Disk, ...]) -> Iterator[Verdict]:
    """There is room for bytes."""
    ill = False
    for each in said:
        if each.read_only and each.place != "/boot":
            ill = True
            yield _read_only(seen, each.place)
        elif each.size and 1 - each.free / each.size > NEARLY:
            ill, free = True, f"{each.free >> 20} MiB of {each.size >> 20} MiB are free"
            yield _fills(seen, each.place, 1 - each.free / each.size, free, f"du -xh {each.place} | sort -h | tail")
    if not ill:
        yield seen.well(", ".join(f"{each.place} has {each.free >> 20} MiB" for each in said))


def _read_only(seen: Seen, place: str) -> Verdict:
    look = seen.on("journalctl -k: a disk that fails makes its file system so")
    return Verdict(seen.about(place), Answer.WRONG, "it can only be read", look, severity=Severity.FAILURE)


def inodes(seen: Seen, said: tuple[Disk, ...]) -> Iterator[Verdict]:
    """There is room for more files."""
    full = [each for each in said if each.files and 1 - each.files_free / each.files > NEARLY]
    for each in full:
        free = f"{each.files_free} more files fit, of {each.files}"
        yield _fills(seen, each.place, 1 - each.files_free / each.files, free, f"du --inodes -x {each.place} | sort -n")
    if not full:
        yield seen.well("there is room for files")


def _fills(seen: Seen, place: str, share: float, free: str, command: str) -> Verdict:
    severity = Severity.FAILURE if share > FULL else Severity.WARNING
    return Verdict(seen.about(place), Answer.WRONG, free, seen.on(command), severity=severity)


def memory(seen: Seen, said: Memory) -> Iterator[Verdict]:
    """It suffices."""
    left = said.available + said.swap_free
    if said.killed:
        text = f"within a day the kernel killed {', '.join(sorted({*said.killed}))} for want of memory"
        advice = "give it more memory, or swap: mailnix plan CONFIG says what it needs"
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    elif left < SCARCE * (said.total + said.swap):
        text = f"{left >> 20} MiB are left of {(said.total + said.swap) >> 20} MiB with swap"
        yield Verdict(seen.name, Answer.WRONG, text, seen.on("systemd-cgtop -m -n 1"))
    else:
        yield seen.well(f"{left >> 20} MiB are left of {(said.total + said.swap) >> 20} MiB with swap")


def updates(seen: Seen, said: Updates) -> Iterator[Verdict]:
    """Security updates come by themselves."""
    young = said.born is not None and said.born < UNATTENDED
    advice = seen.on("systemctl status apt-daily-upgrade; unattended-upgrade --debug")
    if said.nixos:
        yield seen.well(f"NixOS {said.nixos}; updates come with a deploy")
    elif said.pending and _held_up(said) and not young:
        listed = ", ".join(said.pending[:5]) + (" …" if len(said.pending) > 5 else "")
        yield Verdict(seen.name, Answer.WRONG, f"security updates wait for: {listed}", advice)
    elif not young and (said.lists is None or said.lists > UNATTENDED):
        since = "never" if said.lists is None else f"{days(said.lists)} ago"
        text = f"Debian's archive was last asked {since}, so nobody knows of updates"
        yield Verdict(seen.name, Answer.WRONG, text, seen.on("apt-get update"))
    else:
        yield seen.well(f"{len(said.pending)} security updates wait for the next run" if said.pending else "up to date")


def _held_up(said: Updates) -> bool:
    """Whether upgrades had their turn since lists came, or have had none for days."""
    if said.upgraded is None or said.upgraded > UNATTENDED:
        return True
    return said.lists is not None and said.upgraded < said.lists


def reboot(seen: Seen, said: str) -> Iterator[Verdict]:
    """It runs what is installed."""
    if said:
        yield Verdict(seen.name, Answer.WRONG, f"it wants to be started anew: {said}", seen.on("systemctl reboot"))
    else:
        yield seen.well("none is due")


def credentials(seen: Seen, said: Credentials) -> Iterator[Verdict]:
    """Each is there, for root alone."""
    push = f"mailnix secrets push CONFIG {seen.name}"
    if not said.store.there:
        yield Verdict(seen.about(names.STORE), Answer.ABSENT, "the folder is not there", push)
        return
    ill = [(names.STORE, why) for why in _exposed(said.store)]
    missing = [each.name for each in said.credentials if not each.there]
    for each in said.credentials:
        ill += [(each.name, why) for why in _exposed(each)] if each.there else []
    for name in missing:
        yield Verdict(seen.about(name), Answer.ABSENT, "the credential is not there", push)
    for name, why in ill:
        path = name if name == names.STORE else f"{names.STORE}/{name}"
        yield Verdict(seen.about(name), Answer.WRONG, why, seen.on(f"chown root: {path}; chmod go= {path}"))
    if not missing and not ill:
        yield seen.well(f"{len(said.credentials)}, for root alone")


def _exposed(kept: Kept) -> Iterator[str]:
    if kept.mode & 0o077:
        yield f"others than root may read it: its mode is {kept.mode:04o}"
    if kept.owner != 0:
        yield f"it belongs to user {kept.owner}, not to root"
    if kept.name and not kept.size:
        yield "it is empty"


CHECKS: Final = (
    Asking("units", "Every unit of mailnix runs, and none has failed.", Severity.FAILURE, "units", units),
    Asking("clock", "Its clock is right, and set by a time server.", Severity.WARNING, "clock", clock),
    Asking("disk", "Its file systems have room.", Severity.WARNING, "disks", disk),
    Asking("inodes", "Its file systems have room for more files.", Severity.WARNING, "disks", inodes),
    Asking("memory", "Its memory suffices.", Severity.WARNING, "memory", memory),
    Asking("updates", "Security updates are installed.", Severity.WARNING, "updates", updates),
    Asking("reboot", "It runs the kernel and the packages that it has.", Severity.WARNING, "reboot", reboot),
    Asking("credentials", "Its credentials are there, for root alone.", Severity.FAILURE, "credentials", credentials),
)
