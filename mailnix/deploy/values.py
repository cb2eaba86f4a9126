"""What machines say of themselves, and what became of them, as values; how JSON of the machine's program is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

Json = Mapping[str, Any]
MAILCOW = "Mailcow"
"""The part whose database goes along."""

RELEASE = re.compile(r"\d{4}-\d{2}[a-z]*")
"""Its releases' tags: the year, the month, and a letter for a later one of that month."""

Facts = Mapping[str, Mapping[str, Any]]
"""Of each tunnel, by its proxy's name, what both ends must agree on (mailnix.deploy.links)."""


@frozen
class Made:
    """A generation that is on a machine: its number, who made it and when, from what.

    `digest` is the same for two generations only where their packages are; `records` are lines of the zone, `parts`
    versions of what it is made of (Haraka, Node, Mailcow), `mailcow` which Mailcow, its images counted.
    """

    generation: int
    host: str
    digest: str
    made: str = ""
    by: str = ""
    mailnix: str = ""
    debs: Mapping[str, str] = field(factory=dict)
    links: Facts = field(factory=dict)
    records: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(factory=dict)
    mailcow: str = ""

    @classmethod
    def read(cls, said: Json) -> Made:
        """From its made.json, which may hold more than we know."""
        known = ("generation", "host", "digest", "made", "by", "mailnix", "debs", "links", "parts", "mailcow")
        return cls(**{name: said[name] for name in known if name in said}, records=tuple(said.get("records", ())))


@frozen
class Pending:
    """A generation that waits for its confirmation, for `left` seconds at most.

    `step` is how far it has come, `problem` what keeps it from going back, `units` what was done to which, where the
    machine says it.
    """

    id: str
    to: int
    left: int
    step: str
    problem: str = ""
    units: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, said: Json) -> Pending:
        """From the program's `status`."""
        units = tuple((unit, verb) for unit, verb in said.get("units", ()))
        return cls(said["id"], said["to"], said.get("left", 0), said["step"], said.get("problem", ""), units)

    @property
    def installed(self) -> bool:
        """Whether it can be confirmed."""
        return self.step == "installed"


@frozen
class Ended:
    """How the last change ended: `end` is "confirmed" or "back", for which `why` has the reason."""

    id: str
    end: str
    why: str = ""


@frozen
class Status:
    """What runs on a machine, what waits there, what is kept there. `drift` are our files that somebody changed.

    `ran` are numbers of those that were confirmed once; None where the machine does not say it.
    """

    program: str
    host: str
    current: int | None
    pending: Pending | None = None
    last: Ended | None = None
    generations: tuple[Made, ...] = ()
    drift: tuple[str, ...] = ()
    previous: int | None = None
    ran: tuple[int, ...] | None = None

    @property
    def to_go_back_to(self) -> tuple[Made, ...]:
        """Those that ran: what came with a dry run, or was taken back, is nothing to go back to."""
        return tuple(each for each in self.generations if self.ran is None or each.generation in self.ran)

    @property
    def running(self) -> Made | None:
        """The generation that runs, or None on a machine that has had none."""
        return self.made(self.current)

    @property
    def newest(self) -> int:
        """The highest number that is taken."""
        return max((each.generation for each in self.generations), default=self.current or 0)

    def made(self, number: int | None) -> Made | None:
        """A generation that is kept there."""
        return next((each for each in self.generations if each.generation == number), None)

    @classmethod
    def read(cls, said: Json) -> Status:
        """From what the program's `status` prints."""
        pending, last = said.get("pending"), said.get("last")
        return cls(
            program=said.get("program", ""),
            host=said["host"],
            current=said["current"],
            pending=pending and Pending.read(pending),
            last=last and Ended(last["id"], last["end"], last.get("why", "")),
            generations=tuple(Made.read(each) for each in said["generations"]),
            drift=tuple(said.get("drift", ())),
            previous=said.get("previous"),
            ran=None if (ran := said.get("ran")) is None else tuple(ran),
        )


@frozen
class Changes:
    """What a generation would change: Debian's packages (name and versions), files, units with what is done to them.

    `warnings` are what the machine sees that may keep it from being confirmed.
    """

    new: tuple[tuple[str, ...], ...] = ()
    upgraded: tuple[tuple[str, ...], ...] = ()
    removed: tuple[tuple[str, ...], ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, said: Json) -> Changes:
        """From what the program's `plan` prints."""
        packages, files = said.get("packages", {}), said.get("files", {})
        return cls(
            new=_rows(packages.get("new")),
            upgraded=_rows(packages.get("upgrade")),
            removed=_rows(packages.get("remove")),
            added=tuple(files.get("added", ())),
            changed=tuple(files.get("changed", ())),
            gone=tuple(files.get("removed", ())),
            units=tuple((unit, verb) for unit, verb in said.get("units", ())),
            warnings=tuple(said.get("warnings", ())),
        )


@frozen
class Received:
    """What a machine says of a generation that it has taken: packages that will change, and credentials by name."""

    changes: Changes
    credentials: tuple[str, ...]

    @classmethod
    def read(cls, said: Json) -> Received:
        """From what the program's `receive` prints."""
        return cls(Changes.read(said), tuple(said.get("credentials", ())))


@frozen
class Difference:
    """What a machine lacks: `why` in words, empty where it is as described, and names of credentials."""

    why: str = ""
    digest: str = ""
    credentials: tuple[str, ...] = field(default=())


def _rows(said: object) -> tuple[tuple[str, ...], ...]:
    rows = said if isinstance(said, list) else []
    return tuple((row,) if isinstance(row, str) else tuple(row) for row in rows)


@frozen
class Version:
    """What becomes of a part of a machine: its version before and after; empty where it was not there, or is not known.

    `debian`: a package of Debian's; `security`: an update that its archive calls so; `done`: false where a deploy ended
    before it came.
    """

    what: str
    old: str
    new: str
    debian: bool = False
    security: bool = False
    done: bool = True

    @property
    def changes(self) -> bool:
        """Whether it is another one."""
        return self.old != self.new


def older(tag: str, than: str) -> bool | None:
    """Whether a release of Mailcow is older than another one; None where their tags are not years and months both."""
    return tag < than if RELEASE.fullmatch(tag) and RELEASE.fullmatch(than) else None


def versions(before: Made | None, after: Mapping[str, str]) -> tuple[Version, ...]:
    """Each part, as it was and as it will be."""
    known = {"mailnix": before.mailnix, **before.parts} if before else {}
    return tuple(Version(what, known.get(what, ""), new) for what, new in after.items())


@frozen
class Upgrades:
    """Debian's packages that are, or were, newer in its archive; `reboot` is why one is due, empty where none is."""

    packages: tuple[Version, ...] = ()
    reboot: str = ""

    @classmethod
    def read(cls, said: Json) -> Upgrades:
        """From what the program's `upgrades` and `upgrade` print."""
        rows = ((name, old, new, security) for name, old, new, security in said["packages"])
        return cls(
            tuple(Version(name, old, new, debian=True, security=security) for name, old, new, security in rows),
            said["reboot"],
        )


class End(StrEnum):
    """What became of a machine."""

    AS_DESCRIBED = "as described"  # nothing was to be done
    PLANNED = "planned"  # a dry run: nothing was done
    CONFIRMED = "confirmed"
    BACK = "back"  # on the generation before, whole
    GOES_BACK = "goes back"  # it could not be reached; it does so by itself
    UNREACHED = "not reached"  # as it was, whatever that is
    UNTOUCHED = "untouched"  # another one failed first


@frozen
class Seen:
    """What a check saw: which one, on which machine it was asked (empty: here), whether that is as it should be."""

    what: str
    asked: str
    ok: bool
    said: str
    demanded: bool = True


@frozen
class Outcome:
    """What became of one machine. `before` and `after` are generations; `why` is what there was to do."""

    host: str
    end: End
    before: int | None = None
    after: int | None = None
    why: str = ""
    changes: Changes = field(factory=Changes)
    credentials: tuple[str, ...] = ()
    checks: tuple[Seen, ...] = ()
    versions: tuple[Version, ...] = ()
    reboot: str = ""


@frozen
class Report:
    """What became of all machines, records to publish and to remove (lines of the zone), what went wrong.

    `upgrade`: whether versions of everything were asked for.
    """

    machines: tuple[Outcome, ...]
    publish: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    error: str = ""
    upgrade: bool = False
