"""The stages of a lab, as whoever watches it sees them: which one runs, how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from attrs import define, field, frozen

from mailnix.image.values import Progress


class Stage(StrEnum):
    """One part of a lab. As a text, so that any progress can be told it."""

    BUILD = "building images"
    BOOT = "booting the machines"
    START = "waiting until mail can flow"
    MAIL = "exchanging mail"
    REST = "long checks: pages, ports, power cuts, backups"


WITHOUT_THE_REST: Final = tuple(stage for stage in Stage if stage is not Stage.REST)


@frozen
class Timed:
    """A stage that ended, and the seconds that it took."""

    stage: Stage
    seconds: float


@define
class Stages:
    """A progress that puts the time before each line and keeps how long each stage took."""

    tell: Progress
    planned: tuple[Stage, ...] = tuple(Stage)
    now: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _entered: list[tuple[Stage, float]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self.now()

    def __call__(self, text: str) -> None:
        """Tell a line; a Stage begins with it. Before the first of them all are listed."""
        if isinstance(text, Stage):
            if not self._entered:
                self._announce()
            self._entered.append((text, self.now()))
            text = f"== {self.planned.index(text) + 1} of {len(self.planned)}: {text.value}"
        self.tell(f"[{clock_face(self.now() - self._began)}] {text}")

    def _announce(self) -> None:
        for number, stage in enumerate(self.planned, 1):
            self.tell(f"{number}. {stage}")

    def took(self) -> tuple[Timed, ...]:
        """Every stage that was entered, the last one until now."""
        ends = [*(begin for _, begin in self._entered[1:]), self.now()]
        return tuple(Timed(stage, end - begin) for (stage, begin), end in zip(self._entered, ends, strict=True))


def clock_face(seconds: float) -> str:
    """`3:05`, `65:00`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
