"""`mailnix deploy --upgrade`: Debian's packages of each machine, before its generation changes.

They do not go back, so they are no part of a change that does. Home comes first and then each proxy, as ever, and what
answered before must answer after: else the next machine is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from attrs import evolve

from mailnix.deploy.asking import Asked, Asking
from mailnix.deploy.checks import Check, demanded, judged, reason, wrong
from mailnix.deploy.machine import Busy, Machine, Unreached
from mailnix.deploy.making import Maker
from mailnix.deploy.nixos.program import NAME as NIXOS
from mailnix.deploy.scene import Scene
from mailnix.deploy.switching import LOOK_EVERY
from mailnix.deploy.values import End, Outcome, Seen, Status, Upgrades, Version, versions
from mailnix.errors import DeployError
from mailnix.services.generations.names import PACKAGE

AT_MOST: Final = 1800.0  # seconds that an upgrade may go on after the connection was lost
RESTARTING: Final = 900.0
"""Seconds for all to answer again: where Docker is upgraded, all of Mailcow is started anew."""


def offered(asking: Asking, asked: Asked, order: Sequence[str]) -> dict[str, Upgrades]:
    """What Debian's archive has newer for each machine; a program of before, which a dry run leaves there, cannot tell.

    Raises DeployError.
    """
    found: dict[str, Upgrades] = {}
    for host in (each for each in order if each in asked.status):
        if asked.status[host].program in (asking.maker.program_version, NIXOS):
            found[host] = asked.machines[host].upgrades()
        else:
            asking.say(f"{host}: its program is of before, so what Debian has newer is not known yet")
            found[host] = Upgrades()
    return found


class NotAll(DeployError):
    """It ended early; `found` has which packages of each machine were upgraded, and which were not."""

    def __init__(self, error: DeployError, found: Mapping[str, Upgrades]) -> None:
        super().__init__(error.message, error.hint)
        self.found = found


def upgrade(scene: Scene, known: Mapping[str, Upgrades]) -> dict[str, Upgrades]:
    """Upgrade one machine after the other, in this order; raises NotAll at the first that is not well then."""
    done = {host: _without(each, {row.what for row in each.packages}) for host, each in known.items()}
    for host, upgrades in known.items():
        if upgrades.packages:
            every = scene.checks((host,))
            before = {check for check, (ok, _) in scene.asked(every) if ok}
            scene.say(f"{host}: upgrading {len(upgrades.packages)} packages of Debian's; that does not go back")
            try:
                done[host] = _upgraded(scene, scene.machines[host], upgrades)
                _see(scene, host, every, before)
            except DeployError as error:
                with suppress(DeployError):
                    left = scene.machines[host].upgrades().packages
                    done[host] = _without(upgrades, {row.what for row in left})
                raise NotAll(error, done) from None
    return done


def _without(known: Upgrades, left: Collection[str]) -> Upgrades:
    """The same, with these packages as they were."""
    return evolve(known, packages=tuple(evolve(row, done=row.what not in left) for row in known.packages))


def _upgraded(scene: Scene, machine: Machine, known: Upgrades) -> Upgrades:
    """Where the connection is lost, the machine goes on by itself, and is waited for."""
    try:
        return machine.upgrade()
    except (Unreached, Busy):  # it is asked by another way in, too, and then says that it is at work
        scene.say(f"{machine.host}: the connection broke, as it may; the machine goes on by itself")
    due = scene.clock.now() + AT_MOST
    while True:
        scene.clock.sleep(LOOK_EVERY)
        try:
            left = machine.upgrades()
        except (Unreached, Busy):
            if scene.clock.now() > due:
                raise
            continue
        if left.packages:
            names = ", ".join(each.what for each in left.packages[:5])
            raise DeployError(f"{machine.host}: its upgrade did not come to its end: {names}", "once more: the same")
        return Upgrades(known.packages, left.reboot)


def _see(scene: Scene, host: str, every: Sequence[Check], before: Collection[Check]) -> None:
    due = scene.clock.now() + max(RESTARTING, scene.within)
    while True:
        bad = wrong(_seen(scene, every, before))
        if not bad:
            return
        if scene.clock.now() > due:
            raise DeployError(
                f"{host}: Debian's packages were upgraded, and not all is well: {reason(bad)}",
                f"they do not go back; what happened: journalctl -b -u mailnix-upgrade, on {host}",
            )
        scene.clock.sleep(LOOK_EVERY)


def _seen(scene: Scene, every: Sequence[Check], before: Collection[Check]) -> list[Seen]:
    return [judged(check, answer, demanded=demanded(check, before, (), ())) for check, answer in scene.asked(every)]


def with_all(outcome: Outcome, status: Status | None, maker: Maker, found: Upgrades | None) -> Outcome:
    """What became of a machine, with versions of everything on it; as it is where those were not asked for."""
    if found is None or status is None:
        return outcome
    comes = outcome.end in (End.CONFIRMED, End.PLANNED, End.AS_DESCRIBED)
    parts = maker.parts(outcome.host) if comes or status.running is None else status.running.parts
    ours = () if status.program == NIXOS else (Version(PACKAGE, status.program, maker.program_version),)
    rows = (*versions(status.running, parts), *ours, *found.packages)
    return evolve(outcome, versions=rows, reboot=found.reboot)
