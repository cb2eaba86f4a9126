"""What is known of a booted machine: by kind, a value for each key.

Every value is a text, so that a reason for a difference can name it as it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from attrs import frozen

from mailnix.lab.guest import Result

Values: TypeAlias = Mapping[str, str]
Facts: TypeAlias = Mapping[str, Values]


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
