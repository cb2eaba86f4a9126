"""One run of the provisioner: its changes are counted, what Mailcow refuses is collected, and the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .api import Api, ApiRefused, ApiUnlucky

Say = Callable[[str], None]
Row = Mapping[str, Any]


class Work:
    """What was done, and what was not: `refusals` need somebody's hand, `later` only another run.

    `dropped` are aliases that are gone by now; with each of them, Mailcow has forgotten who may write as it.
    """

    def __init__(self, api: Api, say: Say) -> None:
        self.api = api
        self.say = say
        self.changes = 0
        self.refusals: list[str] = []
        self.later: list[str] = []
        self.dropped: set[str] = set()

    def attempt(self, what: str, call: Callable[..., None], *values: object) -> bool:
        """Change something, and say and count it; whether Mailcow did it."""
        try:
            call(*values)
        except ApiRefused as error:
            (self.later if isinstance(error, ApiUnlucky) else self.refusals).append(f"{what}: refused: {error}")
            return False
        self.changes += 1
        self.say(what)
        return True

    def drop(self, alias: Row) -> bool:
        """Delete an alias; whether Mailcow did it."""
        address = str(alias["address"]).lower()
        done = self.attempt(f"{address}: alias removed", self.api.delete, "alias", alias["id"])
        if done:
            self.dropped.add(address)
        return done

    def rows(self, what: str, path: str) -> list[dict[str, Any]] | None:
        """The list at a path; None, and a refusal, where Mailcow does not give it."""
        try:
            return self.api.items(path)
        except ApiRefused as error:
            self.refusals.append(f"{what}: refused: {error}")
            return None
