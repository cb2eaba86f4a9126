"""What a look at DNS finds."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from mailnix.plan.types import Need


class State(StrEnum):
    """How a record that is published stands to the one that is described; in the order in which people act."""

    IN_THE_WAY = "in the way"  # something that was there before, and does harm
    DIFFERENT = "different"
    MISSING = "missing"
    NOT_YET = "not yet everywhere"  # the zone has it, a resolver still keeps what was there before
    UNASKED = "could not ask"


@frozen
class Finding:
    """One difference: the name and type, the data that is described and what was found, in zone-file form.

    `why` says what it does, or why nobody could be asked; `todo` what to do next. `need` is how much the record is
    needed; None where nobody could be asked. `where` has those who were asked and say so.
    """

    state: State
    name: str
    type: str
    wanted: tuple[str, ...]
    found: tuple[str, ...]
    why: str
    todo: str
    need: Need | None = None
    where: tuple[str, ...] = ()


@frozen
class Look:
    """What came of it: how many sets of records are as described, and what differs."""

    same: int
    findings: tuple[Finding, ...]

    @property
    def status(self) -> int:
        """0 where all is as described, 1 where something differs, 3 where somebody could not be asked."""
        if any(finding.state is not State.UNASKED for finding in self.findings):
            return 1
        return 3 if self.findings else 0
