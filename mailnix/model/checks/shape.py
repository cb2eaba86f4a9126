"""Is each value of the type that its field declares? A script may put anything anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from mailnix.model.checks.found import Found
from mailnix.model.mailcow import ExtraLines, Setting
from mailnix.model.topology import Topology

_WORDS: Final[Mapping[Any, str]] = {str: "a text", int: "a whole number", bool: "True or False", NoneType: "None"}
_VOWELS: Final = (*"AEIOaeio",)


def check(topology: Topology, found: Found) -> None:
    """Report every value that is not of its field's type."""
    _table(topology, "", found)


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((attribute.name, hints[attribute.name]) for attribute in attrs.fields(kind))


def _table(value: Any, path: str, found: Found) -> None:
    kind: Any = type(value)
    for name, wanted in _fields(kind):
        _value(getattr(value, name), wanted, f"{path}.{name}" if path else name, found)


def _value(value: Any, wanted: Any, path: str, found: Found) -> None:
    if get_origin(wanted) is tuple:
        if not isinstance(value, tuple):
            found.error(path, f"is {_named(value)}, not a list")
            return
        for number, item in enumerate(value):
            _value(item, get_args(wanted)[0], f"{path}[{number}]", found)
    elif not _is(value, wanted):
        found.error(path, f"is {_named(value)}, not {_wanted(wanted)}", _hint(value, wanted))
    elif attrs.has(type(value)):
        _table(value, path, found)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, UnionType):
        return any(_is(value, one) for one in get_args(wanted))
    if isinstance(value, bool):
        return wanted is bool  # True is an int to Python, and a slip to a reader
    return isinstance(value, wanted)


def _named(value: Any) -> str:
    if value is None:
        return "None"
    shown = repr(value) if isinstance(value, str | int | float) else ""
    kind = {str: "the text", int: "the number", float: "the number", bool: "the value"}.get(type(value))
    return f"{kind} {shown[:40]}" if kind else with_article(type(value).__name__)


def _wanted(wanted: Any) -> str:
    if isinstance(wanted, UnionType):
        return " or ".join(_wanted(one) for one in get_args(wanted))
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return " or ".join(repr(str(member)) for member in wanted)
    return _WORDS.get(wanted, with_article(wanted.__name__))


def with_article(name: str) -> str:
    """A class's name with its article: "an Alias", "a Domain"."""
    return f"{'an' if name.startswith(_VOWELS) else 'a'} {name}"


def _hint(value: Any, wanted: Any) -> str:
    table = next((one for one in (wanted, *get_args(wanted)) if isinstance(one, type) and attrs.has(one)), None)
    if table in (Setting, ExtraLines):
        return 'write a table, such as {"name": "value"}'
    if table is not None:
        return f"write {table.__name__}(…)"
    if wanted is str and isinstance(value, int | float):
        return f'put it in quotes: "{value}"'
    return ""
