"""Whoever minds a change until it is confirmed or taken back: a unit that systemd starts again if it dies."""

from __future__ import annotations

import contextlib
import dataclasses

from . import credentials, packages, room, state
from .packages import INSTALL_AT_MOST, Unfinished
from .state import ASKED, BACK, INSTALLED, INSTALLING, State
from .world import World, say

SETTLE = 4
"""Looks, a second apart, in which a unit that cannot run shows as failed."""

QUEUED = 120
"""Looks at most, while one that failed has a start before it: it may wait for others that start."""

AGAIN = 20
"""Looks, while systemd waits to start one anew: two failures meanwhile count. What may want longer (Mailcow, for half a
minute) waits longer between two starts."""

FLAPPING = 4
"""Starts anew that are no reason against a change, if a unit had more of them before."""

LATE = "it was not begun in time"
TRIES = 5
"""How often what was there before is configured: its files are there by then, and another deploy must be possible."""

FOREVER = float("inf")
PAUSE, LONGEST_PAUSE = 0.5, 60.0


class Keeper:
    """One life of it."""

    def __init__(self, world: World, *, offline: bool = False) -> None:
        self.world = world
        self.offline = offline
        self.pause = PAUSE

    def keep(self) -> None:
        """Mind what is pending to its end."""
        while self.turn():
            self.world.sleep(self.pause)

    def turn(self) -> bool:
        """Do what is next; whether something is still pending."""
        with state.lock(self.world, FOREVER):
            known = state.read(self.world)
            if known.pending is None:
                return False
            if why := self._over(known.pending):
                known = self._turn_back(known, why)
            if known.pending and known.pending.step == ASKED:
                self._install(known, known.pending)
            elif known.pending and known.pending.step == BACK:
                self._back(known, known.pending)
            return True

    def _over(self, pending: state.Pending) -> str:
        """Why it is to be taken back from now on; empty where it is not, or is being taken back."""
        if pending.step == BACK:
            return ""
        if pending.boot != self.world.boot():
            return "the machine was started anew before it was confirmed"
        if pending.step == INSTALLING:  # by a keeper that died
            return "the installation was interrupted"
        if self.world.now() >= pending.until:
            return f"it was not confirmed within {pending.within} seconds" if pending.step == INSTALLED else LATE
        return ""

    def _turn_back(self, known: State, why: str) -> State:
        say(f"{why}: going back")
        room.release(self.world)  # the state wants some already
        return state.step(self.world, known, step=BACK, why=why)

    def _install(self, known: State, pending: state.Pending) -> None:
        """Install; broken or not is seen before anybody is told."""
        now = self.world.now()
        known = state.step(self.world, known, step=INSTALLING, until=now + INSTALL_AT_MOST + pending.within)
        generation = state.generation(self.world, pending.to)
        try:
            why = self._laid(generation, pending) or self._failed(generation, pending)
        except OSError as error:
            why = f"it could not be installed: {room.without(error)}"
        if why:
            self._turn_back(known, why)
        else:
            state.step(self.world, known, step=INSTALLED, until=self.world.now() + pending.within)
            say(f"generation {pending.to} is installed, and has {pending.within} seconds to be confirmed")

    def _laid(self, generation: state.Generation, pending: state.Pending) -> str:
        """Have its credentials and packages in place; why that could not be, or an empty text."""
        packages.doubt(self.world, generation.package)
        changed = credentials.lay(self.world, generation)
        done = packages.install(self.world, generation, again=pending.to == pending.before)
        say(done.output.rstrip())
        if done.status != 0:
            return f"it could not be installed: {done.last}"
        credentials.hand_on(self.world, generation.package, changed)
        return ""

    def _failed(self, generation: state.Generation, pending: state.Pending) -> str:
        """Units of the generation that run no more; empty where all do.

        Seen twice in a row: what is restarted automatically fails for an instant each time (systemd.service(5)). One
        that is stopped while it starts counts as failed until it is started again, which its job in the queue says.
        """
        ours = units(self.world, generation.package)
        first = restarts(self.world)
        before: list[str] = []
        for look in range(1, QUEUED + 1):
            fresh = [unit for unit in failed_units(self.world) if unit not in pending.failed]
            now = [unit for unit in fresh if _template(unit) in ours]
            waiting = queued_units(self.world) if now and look < QUEUED else frozenset()
            ended = [unit for unit in now if unit not in waiting]
            anew = {
                unit: each
                for unit, each in restarts(self.world).items()
                if unit not in pending.failed and _template(unit) in ours
            }
            more = {unit: each.times - first.get(unit, Anew()).times for unit, each in anew.items()}
            failed = [unit for unit in ended if unit in before or look == QUEUED]
            if failed := failed + [unit for unit in more if more[unit] > 1]:
                return f"failed: {', '.join(failed)} (journalctl -u {failed[0]})"
            restless = any(each.waits or more[unit] for unit, each in anew.items())
            if look >= (AGAIN if restless else SETTLE) and not now:
                break
            before = ended
            self.world.sleep(1)
        return ""

    def _back(self, known: State, pending: state.Pending) -> None:
        """What was before is put in place, and then nothing is pending."""
        before = None if pending.before is None else state.generation(self.world, pending.before)
        to = state.generation(self.world, pending.to)
        room.release(self.world)
        try:
            changed = credentials.restore(self.world, to)
            problem = packages.undo(self.world, before, to, pending.new, offline=self.offline)
        except (Unfinished, OSError) as error:
            why = room.without(error) if isinstance(error, OSError) else str(error)
            say(f"going back has to be tried again: {why}")
            self._stuck(known, why)
            self.pause = min(LONGEST_PAUSE, max(5.0, self.pause * 2))
            return
        if problem and pending.tries + 1 < TRIES:
            say(f"what was before could not be configured, which is tried again: {problem}")
            self.pause = 5.0
            state.step(self.world, known, tries=pending.tries + 1)
            return
        if not self.offline:
            credentials.hand_on(self.world, to.package, changed)
        credentials.forget(self.world, to)
        why = f"{pending.why}; then not all could be configured: {problem}" if problem else pending.why
        state.save(self.world, dataclasses.replace(known, pending=pending).ended(BACK, why))
        say(f"generation {pending.before} is back" if pending.before else "the machine is as it was before")

    def _stuck(self, known: State, problem: str) -> None:
        """Let whoever asks know, if that can be written; and let go what a deploy brings again."""
        room.make(self.world, known)
        with contextlib.suppress(OSError):
            state.step(self.world, known, problem=problem)


def units(world: World, package: str) -> frozenset[str]:
    """Units that a package lays, adds to (UNIT.d) or has started, by their files, folders and links."""
    lines = world.run(["dpkg", "--listfiles", package]).output.splitlines()
    return frozenset(line.rpartition("/")[2].removesuffix(".d") for line in lines if "/systemd/system/" in line)


def failed_units(world: World) -> tuple[str, ...]:
    """All of the machine that failed: systemctl(1)."""
    said = world.run(
        ["systemctl", "list-units", "--state=failed", "--all", "--full", "--plain", "--no-legend", "--no-pager"]
    )
    units = [line.split()[0] for line in said.output.splitlines() if line.strip()]
    return tuple(unit for unit in units if not _was_stopped(world, unit))


@dataclasses.dataclass(frozen=True)
class Anew:
    """How often systemd has started a service anew by itself, and whether it waits to: systemd.service(5), Restart=.

    Where there is no limit to that (StartLimitIntervalSec=0), as for Haraka and Caddy, no service ever shows as failed.
    """

    times: int = 0
    waits: bool = False


def restarts(world: World) -> dict[str, Anew]:
    """All services of the machine, by their names."""
    said = world.run(["systemctl", "show", "--property=Id,NRestarts,SubState", "*.service"]).output
    every = (dict(line.partition("=")[::2] for line in block.splitlines()) for block in said.split("\n\n"))
    return {
        each["Id"]: Anew(int(each.get("NRestarts") or 0), each.get("SubState", "").startswith("auto-restart"))
        for each in every
        if "Id" in each
    }


def flapping(world: World) -> tuple[str, ...]:
    """Services that are started anew all the time."""
    return tuple(unit for unit, each in restarts(world).items() if each.waits or each.times > FLAPPING)


def queued_units(world: World) -> frozenset[str]:
    """Units that systemd is about to start or stop: "JOB UNIT TYPE STATE", systemctl(1)."""
    said = world.run(["systemctl", "list-jobs", "--full", "--plain", "--no-legend", "--no-pager"])
    return frozenset(words[1] for line in said.output.splitlines() if len(words := line.split()) == 4)


def _was_stopped(world: World, unit: str) -> bool:
    """Whether it was told to end (SIGTERM) before its work was done, as what belongs to a unit that restarts is.

    systemd counts that as a failure of a oneshot service (systemd.service(5)); it is started again with the other.
    """
    said = world.run(["systemctl", "show", "--property=Result,ExecMainStatus", unit]).output.split()
    return {"Result=signal", "ExecMainStatus=15"} <= {*said}


def _template(unit: str) -> str:
    """The unit that an instance is made of: systemd.unit(5)."""
    name, at, rest = unit.partition("@")
    return f"{name}@.{rest.rpartition('.')[2]}" if at else unit
