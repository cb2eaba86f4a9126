"""Mailcow on Debian: settings in /etc/mailnix, programs in /usr/lib/mailnix, units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, InternalPlan, Plan
from mailnix.services.activation.names import AHEAD
from mailnix.services.credentials import names
from mailnix.services.mailcow import scripts, units
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.mailcow.render import EXECUTABLE, backup_of, bans_json, files, machine_json
from mailnix.tree import File, Link

SETTINGS: Final = "/etc/mailnix/mailcow"
MACHINE: Final = "/etc/mailnix/mailcow.json"
SOURCE: Final = "/usr/share/mailcow-source"
"""Where a machine has Mailcow's tree that was given with it, so that it fetches none."""

PACKAGES: Final = ("ca-certificates", "git", "openssl", "python3")
PROGRAMS: Final = units.Programs(
    docker="/usr/bin/docker",
    systemctl="/usr/bin/systemctl",
    setup=f"{names.SCRIPTS}/mailcow-setup",
    provision=f"{names.SCRIPTS}/{units.PROVISION}",
    backup=f"{names.SCRIPTS}/{units.BACKUP}",
    bans=f"{names.SCRIPTS}/{units.BANS}",
)


def debian(plan: Plan, host: HostPlan, pin: Pin = PIN) -> DebianPart:
    """What Mailcow adds to the internal host; nothing elsewhere. `pin` says which tree the machine will accept."""
    if not isinstance(host, InternalPlan):
        return DebianPart()
    return DebianPart(
        packages=PACKAGES,
        entries=(*_settings(plan, pin), *_programs(), *_units(host)),
        wanted=(
            Wanted(units.MAILCOW),
            Wanted(f"{units.PROVISION}.service", by=units.MAILCOW),
            Wanted(f"{units.PROVISION}.path"),
            Wanted(f"{units.BANS}.service", by=units.MAILCOW),
            *_timers(host),
        ),
        follows=(
            *(Follows(units.MAILCOW, path) for path in (f"{SETTINGS}/", MACHINE)),
            *(
                Follows(f"{units.BANS}.service", path)
                for path in (units.BANS_CONFIG, f"{names.SCRIPTS}/mailcow/bans.py")
            ),
        ),
    )


def _timers(host: InternalPlan) -> tuple[Wanted, ...]:
    return () if host.backup is None else (Wanted(f"{units.BACKUP}.timer", by="timers.target"),)


def _settings(plan: Plan, pin: Pin) -> Iterator[File]:
    for path, text in files(plan).items():
        yield File(f"{SETTINGS}/{path}", text, mode=0o755 if path in EXECUTABLE else 0o644)
    yield File(MACHINE, machine_json(plan, pin))
    yield File(units.DESCRIPTION, provision_json(plan))
    yield File(units.BANS_CONFIG, bans_json(plan))


def _programs() -> Iterator[File | Link]:
    for name, text in scripts.modules().items():
        yield File(f"{names.SCRIPTS}/mailcow/{name}", text)
    for name, text in scripts.starters().items():
        yield File(f"{names.SCRIPTS}/{name}", text, mode=0o755)
    yield File(AHEAD, scripts.starter("ahead"), mode=0o755)
    for name in scripts.BY_PEOPLE:
        yield Link(f"/usr/sbin/{name}", f"{names.SCRIPTS}/{name}")


def _units(host: InternalPlan) -> Iterator[File]:
    sections = {
        units.MAILCOW: units.mailcow_unit(PROGRAMS),
        f"{units.PROVISION}.service": units.provision_unit(PROGRAMS, host),
        f"{units.PROVISION}.path": units.provision_path(),
        f"{units.AGAIN}.service": units.again_unit(PROGRAMS),
        f"{units.BANS}.service": units.bans_unit(PROGRAMS, host),
        f"{units.BACKUP}.service": units.backup_unit(PROGRAMS, backup_of(host).folder),
    }
    if host.backup is not None:
        sections[f"{units.BACKUP}.timer"] = units.backup_timer(host.backup.at)
    for name, content in sections.items():
        yield File(f"/etc/systemd/system/{name}", ini(content))
