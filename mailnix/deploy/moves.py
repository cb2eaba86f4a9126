"""A machine, and the generation that it goes to."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, field, frozen

from mailnix.deploy.machine import Machine
from mailnix.deploy.values import Changes, End, Outcome, Seen, Version


@frozen
class Move:
    """A machine, the generation that it is to run (it is on the machine already), and the one that runs.

    `mailcow`: the revision of another one that comes with it, `again`: of one that starts anew; `databases`: as then.
    """

    machine: Machine
    number: int
    before: int | None
    why: str = ""
    changes: Changes = field(factory=Changes)
    credentials: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    mailcow: str = ""
    again: str = ""
    databases: bool = False

    @property
    def host(self) -> str:
        """The machine's name."""
        return self.machine.host

    def did(self, units: tuple[tuple[str, str], ...]) -> Move:
        """The same, with what was done to units, where the machine said it, in the place of what would be."""
        return evolve(self, changes=evolve(self.changes, units=units)) if units else self

    def ended(self, end: End, seen: Sequence[Seen] = ()) -> Outcome:
        """What became of it."""
        after = self.number if end in (End.CONFIRMED, End.PLANNED) else self.before
        return Outcome(
            host=self.host,
            end=end,
            before=self.before,
            after=after,
            why=self.why,
            changes=self.changes,
            credentials=self.credentials,
            checks=tuple(seen),
            versions=self.versions,
        )
