"""Ask a server once more where it stopped half-way: it may have been restarted just then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mailnix.doctor.here import Asked, Here, Page, Spoken, Target

T = TypeVar("T")


def again(ask: Callable[[], T], is_well: Callable[[T], bool]) -> T:
    """Ask, and once more unless the answer is well."""
    said = ask()
    return said if is_well(said) else ask()


def session(here: Here, target: Target) -> Spoken:
    """A session that came to its end, if one of two did."""
    return again(lambda: here.session(target), lambda said: not said.why)


def page(here: Here, asked: Asked) -> Page:
    """A page whose server is not at fault, if one of two was so."""
    return again(lambda: here.page(asked), lambda said: 0 < said.status < 500)
