"""What users may write for a list or a text, as the values keep it; whatever else they write stays, for the check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

K = TypeVar("K", bound=StrEnum)


def items(value: Any) -> tuple[Any, ...]:
    """A tuple of what was given; a single text or table counts as one item, not as its letters or keys."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return (value,)
    return tuple(value)


def texts(value: Iterable[str] | str) -> tuple[str, ...]:
    """A list of texts."""
    return items(value)


def lower(value: str) -> str:
    """A local part in lower case, as Mailcow keeps them, without blanks that were pasted along."""
    return value.strip().lower() if isinstance(value, str) else value


def member(kind: type[K], value: Any) -> Any:
    """The member that a text names."""
    return kind(value) if isinstance(value, str) and value in set(kind) else value
