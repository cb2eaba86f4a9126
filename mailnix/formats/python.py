"""Values as Python source, for descriptions that mailnix writes: safe whatever is in them.

Texts may come from somebody else's machine, so nothing that is not printable (line ends, what turns the direction of
writing) stands in a literal or a comment as itself.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from attrs import frozen

WIDTH: Final = 109
INDENT: Final = 4
_MEANING: Final = frozenset('"\\')
_BMP: Final = 0xFFFF
_STEP: Final = re.compile(r"[.\[]")

Notes = Mapping[str, Sequence[str]]
"""Comments by the path of what they stand above: `domains[0].mailboxes[1]`."""


def quoted(text: str) -> str:
    """A Python string in double quotes."""
    return '"' + "".join(f"\\{c}" if c in _MEANING else _shown(c) for c in text) + '"'


def comment(text: str, depth: int = 0) -> list[str]:
    """Comment lines, at `depth` steps of indentation."""
    lines = textwrap.wrap(printable(text), WIDTH - 2 - depth * INDENT, break_long_words=False, break_on_hyphens=False)
    return [f"{' ' * INDENT * depth}# {line}" for line in lines]


def printable(text: str) -> str:
    """A text without what a terminal or an editor would do instead of showing it."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\U{number:08x}" if number > _BMP else f"\\u{number:04x}"


def source(value: Any, notes: Notes | None = None, path: str = "", depth: int = 0) -> str:
    """A value as source: on one line where it fits and nothing below it is noted, else an item a line.

    An attrs value is a call of its class, which names what differs from the defaults; tuples become lists. `path` is
    the value's own, `depth` the indentation of the line on which it begins.
    """
    return "\n".join(_Writer(notes or {}, frozenset(_above(notes or {}))).lines(value, path, depth))


def classes(value: Any) -> frozenset[str]:
    """The names of the attrs classes that a value's source calls."""
    if isinstance(value, tuple | list):
        return frozenset[str]().union(*map(classes, value))
    if not attrs.has(type(value)):
        return frozenset()
    return classes([item for _, _, item in _said(value)]) | {type(value).__name__}


@frozen
class _Writer:
    notes: Notes
    open: frozenset[str]
    """Every path with a note below it."""

    def lines(self, value: Any, path: str, depth: int) -> list[str]:
        """A value's lines, of which the first is not indented."""
        flat = _flat(value)
        items = list(_items(value))
        if not items or (path not in self.open and len(flat) + depth * INDENT <= WIDTH):
            return [flat]
        begin, end = _brackets(value)
        inside = " " * INDENT * (depth + 1)
        found = [begin]
        for name, step, item in items:
            found += [line for note in self.notes.get(path + step, ()) for line in comment(note, depth + 1)]
            first, *rest = self.lines(item, path + step, depth + 1)
            found += [f"{inside}{name}{first}", *rest]
            found[-1] += ","
        return [*found, f"{' ' * INDENT * depth}{end}"]


def _above(notes: Iterable[str]) -> Iterator[str]:
    """Each path that one of these is below."""
    for path in notes:
        yield from (path[: step.start()] for step in _STEP.finditer(path))


def _items(value: Any) -> Iterator[tuple[str, str, Any]]:
    """What is written between a value's brackets: `name=`, the step of its path, and it."""
    if isinstance(value, tuple | list):
        yield from (("", f"[{number}]", item) for number, item in enumerate(value))
    elif isinstance(value, Mapping):
        yield from ((f"{quoted(name)}: ", f"[{name}]", item) for name, item in value.items())
    elif attrs.has(type(value)):
        yield from ((name, f".{step}", item) for name, step, item in _said(value))


def _said(value: Any) -> Iterator[tuple[str, str, Any]]:
    """What a call must say: what has no default by position, the rest by name where it differs from its default."""
    for field in attrs.fields(type(value)):
        item = getattr(value, field.name)
        if field.default is attrs.NOTHING:
            yield "", field.name, item
        elif item != field.default:
            yield f"{field.name}=", field.name, item


def _brackets(value: Any) -> tuple[str, str]:
    """What a value with items is written between."""
    match value:
        case tuple() | list():
            return "[", "]"
        case Mapping():
            return "{", "}"
    return f"{type(value).__name__}(", ")"


def _flat(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, tuple | list | Mapping) or attrs.has(type(value)):
        begin, end = _brackets(value)
        return f"{begin}{', '.join(name + _flat(item) for name, _, item in _items(value))}{end}"
    if isinstance(value, str):
        return quoted(str(value))  # of an enum, its text: converters take that
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} has no source")
