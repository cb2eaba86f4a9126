"""What every group of checks is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from mailnix.plan import Plan


def _nobody(_text: str) -> None:
    """Progress that nobody watches."""


@frozen
class Scene:
    """The plan that is to hold, and how what runs is reached; a group makes its doors of it.

    `targets` and `ssh_config` are those of `mailnix deploy`. `resolvers` are the recursive ones to ask (ADDRESS or
    ADDRESS:PORT; none: this machine's and public ones). `authorities` is a file of certificates (PEM) to trust instead
    of this machine's. `now` is when the doctor looks, `say` tells whoever waits. `typed` fills in, in advice that names
    commands (`mailnix deploy CONFIG`), what the user typed, so that they can be typed as they are.
    """

    plan: Plan
    secrets: Path | None = None
    targets: Mapping[str, str] = field(factory=dict)
    ssh_config: Path | None = None
    resolvers: tuple[str, ...] = ()
    authorities: Path | None = None
    now: datetime = field(factory=lambda: datetime.now(UTC))
    say: Callable[[str], None] = _nobody
    typed: Callable[[str], str] = str
