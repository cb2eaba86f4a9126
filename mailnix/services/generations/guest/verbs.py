"""What the program does when it is asked: one function a verb, each of which gives what is printed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import credentials, dpkg_lock, login, packages, room, state
from .keeper import Keeper, failed_units, flapping
from .packages import INSTALL_AT_MOST
from .receiving import clear, damaged
from .state import ASKED, BACK, CONFIRMED, INSTALLED, Pending, State
from .world import Busy, Refused, World, home, say

START_AT_MOST = 60.0
"""Seconds that systemd may take to start the keeper."""


def status(world: World) -> dict[str, Any]:
    """What runs, what waits, what is here."""
    known = state.read(world)
    have = packages.known(world)
    here = [dict(state.generation(world, number).made) for number in state.numbers(world)]
    current = next((made for made in here if made["generation"] == known.current), None)
    return {
        "program": world.names.version,
        "host": os.uname().nodename,
        "os": _release(world),
        "arch": world.run(["dpkg", "--print-architecture"]).output.strip(),
        "current": known.current,
        "previous": known.previous,
        "pending": _shown(world, known.pending) if known.pending else None,
        "last": known.last,
        "ran": [*known.ran],
        "generations": here,
        "newest": max(state.numbers(world), default=0),
        "digest": current["digest"] if current else None,
        # Who waits asks often, and Haraka has thousands of files.
        "drift": [] if known.pending else _drift(world, current, have),
    }


def _drift(world: World, current: Mapping[str, Any] | None, have: Mapping[str, packages.Known]) -> list[str]:
    """What is not as it was laid: files, and the generation's package itself."""
    ours = sorted(name for name in have if name.startswith("mailnix-"))
    found = packages.drift(world, ours) if ours else []
    if current and have.get(current["package"]) != packages.Known(str(current["generation"]), True, False):
        found.insert(0, f"{current['package']} {current['generation']} is not what is installed")
    return found


def _release(world: World) -> dict[str, str]:
    """os-release(5): Debian testing has no VERSION_ID."""
    lines = (world.root / "etc/os-release").read_text().splitlines()
    values = {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}
    return {"id": values.get("ID", ""), "version": values.get("VERSION_ID", "")}


def _shown(world: World, pending: Pending) -> dict[str, Any]:
    left = pending.until - world.now() if pending.boot == world.boot() else 0
    by = state.generation(world, pending.to).made.get("by")
    return {**pending.json(), "left": max(0, round(left)), "by": by}


def switch(world: World, number: int, within: int, token: str, *, databases: bool = False) -> dict[str, Any]:
    """Have the keeper install a generation, and wait for that; raises Refused where it came to nothing."""
    known = state.read(world)
    if known.pending:
        _same(world, known.pending, number, token)
    elif known.last is None or known.last["id"] != token:
        _ask(world, known, number, within, token, databases=databases)
    return _wait(world, token)


def _same(world: World, pending: Pending, number: int, token: str) -> None:
    """Whether what is pending is what somebody means; it is minded in any case."""
    world.run(["systemctl", "start", "--no-block", world.names.keeper])
    if (pending.id, pending.to) != (token, number):
        if pending.problem:
            raise Busy(f"generation {pending.to} cannot be taken back yet: {pending.problem}")
        left = _shown(world, pending)["left"]
        raise Busy(f"generation {pending.to} waits for its confirmation, for {left} seconds at most")


def _ask(world: World, known: State, number: int, within: int, token: str, *, databases: bool) -> None:
    """Check, have the keeper started, then write what is wanted: the keeper waits for the lock."""
    generation = state.generation(world, number)
    _whole(world, generation, number)
    if bad := ", ".join(damaged(generation)):
        raise Refused(f"generation {number} is damaged ({bad}): deploy anew")
    login.refuse(world, generation)
    have = packages.known(world)
    if known.current is None and generation.package in have:
        raise Refused(
            f"{generation.package} {have[generation.package].version} was installed by other means, and could not be"
            f" put back: go on with those, or: apt-get purge {generation.package}"
        )
    dpkg_lock.wait(world)
    if left := packages.unsettled(world):
        raise Refused(f"dpkg was interrupted before (dpkg --configure -a): {left}")
    archives = generation.folder / "archives"
    changes = packages.prepare(world, generation.debs, archives)
    kept = room.look(world, generation.debs, changes, archives, state.running(world, known))
    with state.lock(world):
        now = state.read(world)
        if now != known:
            raise Busy("another change was faster")
        _whole(world, generation, number)  # whoever sent another one meanwhile had them forgotten
        _forget(world, known, but=number)
        room.keep(world, kept)
        started = world.run(["systemctl", "restart", "--no-block", world.names.keeper])
        if started.status != 0:
            raise Refused(f"{world.names.keeper} could not be started: {started.last}")
        pending = Pending(
            id=token,
            before=known.current,
            to=number,
            within=within,
            step=ASKED,
            until=world.now() + START_AT_MOST + INSTALL_AT_MOST + within,
            boot=world.boot(),
            new=tuple(name for name, _ in changes.new),
            failed=(*failed_units(world), *flapping(world)),
            databases=databases,
        )
        state.save(world, replace(known, pending=pending))


def _forget(world: World, known: State, but: int | None = None) -> None:
    """Let go of credentials that have been laid by now, or that came and never will be."""
    for number in state.numbers(world):
        if number == known.current:
            credentials.confirmed(world, state.generation(world, number))
        elif number != but:
            credentials.forget(world, state.generation(world, number))


def _whole(world: World, generation: state.Generation, number: int) -> None:
    if credentials.lost(world, generation):
        raise Refused(f"generation {number} came with credentials that are gone by now: deploy anew")


def _wait(world: World, token: str) -> dict[str, Any]:
    """Until the keeper has installed it, or has gone back."""
    patience = world.now() + START_AT_MOST
    while True:
        known = state.read(world)
        if known.pending is None or known.pending.id != token:
            return _end(known, token)
        if known.pending.step == INSTALLED:
            return {"step": INSTALLED, "within": known.pending.within}
        if known.pending.step == ASKED and world.now() > patience:
            _withdraw(world, token)
        world.sleep(0.5)


def _withdraw(world: World, token: str) -> None:
    """Nobody began it: nothing was changed."""
    with state.lock(world):
        known = state.read(world)
        if known.pending and known.pending.id == token and known.pending.step == ASKED:
            why = f"{world.names.keeper} did not start (journalctl -u {world.names.keeper}); nothing was changed"
            state.save(world, known.ended(BACK, why))


def _end(known: State, token: str) -> dict[str, Any]:
    """How a change ended that is not pending any more."""
    last: Mapping[str, Any] = known.last or {}
    if last.get("id") != token:
        raise Refused("no such change is pending, nor was it the last")
    if last["end"] != CONFIRMED:
        now = f"generation {known.current} runs" if known.current else "the machine is as before"
        raise Refused(f"taken back: {last['why']}; {now}")
    return {"step": CONFIRMED, "current": known.current}


def extend(world: World, number: int, within: int, token: str) -> dict[str, Any]:
    """Give a change more time, so that several machines can be confirmed at once."""
    with state.lock(world):
        known = state.read(world)
        pending = _installed(known, number, token)
        if pending is None:
            raise Refused(f"generation {number} is confirmed")
        state.step(world, known, until=max(pending.until, world.now() + within))
    return {"left": within}


def _installed(known: State, number: int, token: str) -> Pending | None:
    """The change that somebody names, where it can be confirmed; None where it was. Raises Refused."""
    if known.pending is None or known.pending.id != token:
        if known.pending is None:
            _end(known, token)
            return None
        raise Refused("another change is pending")
    if known.pending.to != number or known.pending.step != INSTALLED:
        raise Refused(f"what is pending is generation {known.pending.to}, {known.pending.step}")
    return known.pending


def confirm(world: World, number: int, token: str) -> dict[str, Any]:
    """Nobody is locked out: it stays."""
    with state.lock(world):
        known = state.read(world)
        pending = _installed(known, number, token)
        if pending:
            previous = known.previous if pending.before == number else pending.before
            ran = tuple(n for n in state.numbers(world) if n == number or n in known.ran)
            known = replace(known, current=number, previous=previous, ran=ran).ended(CONFIRMED)
            state.save(world, known)
        room.release(world)
        for old in tuple(state.superfluous(world, known)):
            state.drop(world, old)
        credentials.confirmed(world, state.generation(world, number))
        shutil.rmtree(home(world) / str(number) / "archives", ignore_errors=True)
    say(f"generation {known.current} runs")
    return {"current": known.current}


def back(world: World, token: str | None) -> dict[str, Any]:
    """Take back what is pending, and wait for that."""
    with state.lock(world, INSTALL_AT_MOST):
        known = state.read(world)
        pending = known.pending
        if pending and token not in (None, pending.id):
            raise Refused("another change is pending")
        if pending and pending.step != BACK:
            room.release(world)
            state.step(world, known, step=BACK, why="somebody took it back")
    if pending:
        world.run(["systemctl", "start", "--no-block", world.names.keeper])
    while pending:
        known = state.read(world)
        if known.pending is None or known.pending.id != pending.id:
            break
        world.sleep(0.5)
    return {"current": known.current}


def forget(world: World, number: int) -> dict[str, Any]:
    """Let go of one that nobody switches to after all; of one that has run, of the credentials that came again."""
    with state.lock(world):
        known = state.read(world)
        generation = state.generation(world, number)
        if known.pending is None or known.pending.to != number:
            if number in {known.current, *known.ran}:
                credentials.forget(world, generation)
            else:
                state.drop(world, number)
    return {"current": known.current}


def idle(world: World) -> dict[str, Any]:
    """Raise Busy where something is pending: this program must not go then."""
    known = state.read(world)
    if known.pending:
        raise Busy(
            f"generation {known.pending.to} waits for its confirmation, and only this program can take it back:"
            " wait for that, or: generations back"
        )
    return {"current": known.current}


def boot(world: World) -> dict[str, Any]:
    """Before the network and our units: what was not confirmed is undone. Raises Refused where that needs more time."""
    known = state.read(world)
    if known.pending:
        keeper = Keeper(world, offline=True)
        for _ in range(3):
            if not keeper.turn():
                break
            known = state.read(world)
            if known.pending is None:
                break
            world.sleep(1)
        world.run(["systemctl", "daemon-reload"])
        world.run(["systemctl", "try-restart", "--no-block", "systemd-journald.service"])  # it runs before any disk
        world.run(["systemctl", "start", "--no-block", "default.target"])
        if known.pending:
            raise Refused(f"generation {known.pending.to} could not be taken back yet")
    room.release(world)
    clear(world)
    _forget(world, known)  # whoever sent them is cut off by now
    return {"current": known.current}
