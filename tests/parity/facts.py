"""What is known of a booted machine: by kind, a value for each key; and how it is asked for.

Every value is a text, so that a reason for a difference can name it as it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from attrs import frozen

from mailnix.lab.guest import Result

Values: TypeAlias = Mapping[str, str]
Facts: TypeAlias = Mapping[str, Values]

PATIENCE = 600.0
"""Seconds for one question; an emulated machine on a busy host takes a minute for all properties of all units."""


class Guest(Protocol):
    """What answers; `mailnix.lab.machine.Machine` is one."""

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = ...) -> Result:
        """Run a shell command as root to its end."""
        ...


@frozen
class Question:
    """A kind of fact: the one command that asks for all of it, and how its output is read."""

    kind: str
    command: str
    read: Callable[[bytes], Values]


class Unanswered(Exception):
    """A machine gave no facts of a kind: a comparison of nothing with nothing would pass."""


def ask(guest: Guest, question: Question) -> Values:
    """What a machine says; raises Unanswered where that is nothing."""
    result = guest.execute(question.command, timeout=PATIENCE)
    values = question.read(result.stdout_bytes) if result.stdout_bytes else {}
    if not values:
        raise Unanswered(f"{question.kind}: status {result.status}, {result.stderr.strip() or 'no output'}")
    return values


def ask_all(guest: Guest, questions: tuple[Question, ...]) -> Facts:
    """Everything that these questions ask for."""
    return {question.kind: ask(guest, question) for question in questions}
