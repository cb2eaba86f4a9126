"""What is known about generations: which runs, which waits to be confirmed, which are here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .world import Refused, World, home, locked

ASKED, INSTALLING, INSTALLED, BACK = "asked", "installing", "installed", "back"
CONFIRMED = "confirmed"
KEPT = 5
REMEMBERED = 100
"""Changes that were taken back: a service that keeps something for the way back learns of it when it starts next."""


@dataclass(frozen=True)
class Pending:
    """A change that is not confirmed.

    `until` counts in the clock of boot `boot`. `new` are packages that come with it, `failed` the units that had failed
    before it, `tries` how often dpkg could not configure what was there before, `problem` what keeps it from going
    back. `databases` is for services that the generation has: they may go back to what they had then, and lose what
    came since.
    """

    id: str
    before: int | None
    to: int
    within: int
    step: str
    until: float
    boot: str
    new: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    why: str = ""
    tries: int = 0
    databases: bool = False
    problem: str = ""

    def json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        values = dict(self.__dict__)
        return {"from": values.pop("before"), **values}


@dataclass(frozen=True)
class State:
    """All of it, written in one step. `last` is how the last change ended: id, to, end, why.

    `undone` are the ids of changes that were taken back, the last one at the end; `ran` are generations that were
    confirmed, which a dry run's never was.
    """

    current: int | None = None
    previous: int | None = None
    pending: Pending | None = None
    last: Mapping[str, Any] | None = None
    undone: tuple[str, ...] = ()
    ran: tuple[int, ...] = ()

    def ended(self, end: str, why: str = "") -> State:
        """Its pending change ended so."""
        if self.pending is None:
            return self
        last = {"id": self.pending.id, "to": self.pending.to, "end": end, "why": why}
        undone = (*self.undone, self.pending.id)[-REMEMBERED:] if end == BACK else self.undone
        return replace(self, pending=None, last=last, undone=undone)


def read(world: World) -> State:
    """The state; of a machine without one, nothing runs."""
    path = home(world) / "state.json"
    if not path.exists():
        return State()
    try:
        found = json.loads(path.read_bytes())
        pending = found["pending"]
        if pending is not None:
            known = {key: pending[key] for key in Pending.__dataclass_fields__ if key in pending}
            lists = {key: tuple(known.get(key, ())) for key in ("new", "failed")}
            pending = Pending(**{**known, **lists, "before": pending["from"]})
        undone = tuple(found.get("undone", ()))
        ran = tuple(found.get("ran", numbers(world)))  # a program of before did not write them down
        return State(found["current"], found["previous"], pending, found["last"], undone, ran)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} is damaged ({error}): see which package is installed, and write it anew") from None


def save(world: World, state: State) -> None:
    """Write all of it in one step."""
    pending = state.pending.json() if state.pending else None
    found = {**state.__dict__, "pending": pending}
    world.write(home(world) / "state.json", json.dumps(found, indent=1).encode() + b"\n")


def step(world: World, state: State, **changes: Any) -> State:
    """The pending change went on; written."""
    if state.pending is None:
        raise AssertionError("nothing goes on where nothing is pending")
    further = replace(state, pending=replace(state.pending, **changes))
    save(world, further)
    return further


def lock(world: World, wait: float = 10) -> AbstractContextManager[None]:
    """Held by whoever reads the state to change it, and all through an installation."""
    return locked(world, "lock", wait, "a generation is being installed or taken back just now")


@dataclass(frozen=True)
class Generation:
    """One that is on this machine: its folder, and what made.json says."""

    folder: Path
    made: Mapping[str, Any]

    @property
    def package(self) -> str:
        """Its own package's name."""
        return str(self.made["package"])

    @property
    def debs(self) -> tuple[Path, ...]:
        """All of its packages' files."""
        return tuple(self.folder / name for name in sorted(self.made["debs"]))

    @property
    def own(self) -> Path:
        """The file of its own package."""
        return next(deb for deb in self.debs if deb.name.startswith(f"{self.package}_"))


def generation(world: World, number: int) -> Generation:
    """The one with this number; raises Refused."""
    folder = home(world) / str(number)
    if not (folder / world.names.made).exists():
        here = ", ".join(str(n) for n in numbers(world)) or "none"
        raise Refused(f"there is no generation {number} on this machine; there are: {here}")
    return Generation(folder, json.loads((folder / world.names.made).read_bytes()))


def running(world: World, known: State) -> Generation | None:
    """The one that runs; None before the first."""
    return None if known.current is None else generation(world, known.current)


def numbers(world: World) -> list[int]:
    """Those that are here, the oldest first."""
    return sorted(int(path.name) for path in home(world).iterdir() if path.name.isdigit())


def never_ran(world: World, state: State) -> Iterator[int]:
    """Those that came and were not confirmed."""
    yield from (n for n in numbers(world) if n not in {*state.ran, state.current, state.previous})


def superfluous(world: World, state: State) -> Iterator[int]:
    """Those that never ran, and the oldest beyond those that are kept.

    Never the one that runs, the one before it, nor the newest with another Mailcow: whose database is kept.
    """
    yield from (never := tuple(never_ran(world, state)))
    ran = [n for n in numbers(world) if n not in never]
    mailcow = {n: str(generation(world, n).made.get("mailcow", "")) for n in ran}
    now = mailcow.get(state.current or 0, "")
    others = [n for n in ran if now and mailcow[n] not in ("", now)]
    held = {state.current, state.previous, *others[-1:]} & {*ran}
    yield from [n for n in ran if n not in held][: max(0, len(ran) - KEPT)]


def drop(world: World, number: int) -> None:
    """Let go of one, whole or not at all."""
    aside = home(world) / f".incoming-{number}"  # removed in any case by whoever receives next
    (home(world) / str(number)).rename(aside)
    shutil.rmtree(aside)
