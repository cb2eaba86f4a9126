"""Nix expressions as Python values.

A plain `str`, `int`, `bool`, `None`, sequence or mapping stands for itself; the classes here are for what Python has no
literal for. `mailnix.formats.nix_printer` prints all of them and knows how to quote; nothing else writes Nix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias, Union

from attrs import field, frozen

_PATH = re.compile(r"\.{1,2}(/[A-Za-z0-9_.+-]+)+")


def _relative(_instance: object, _attribute: object, value: str) -> None:
    if not _PATH.fullmatch(value):
        raise ValueError(f"not a path literal that Nix reads: {value!r}")


@frozen
class PathLiteral:
    """A path beside the file it is written in (`./files/Caddyfile`); Nix copies what it names into the store."""

    text: str = field(validator=_relative)


@frozen
class Raw:
    """A Nix expression, printed as it is. Only ever a constant of ours: a user's text is a `str`."""

    text: str
    atom: bool = False  # True where it needs no parentheses as an argument or a list element


@frozen
class Apply:
    """A function applied to its arguments: `lib.mkDefault true`, `pkgs.fetchFromGitHub { … }`."""

    function: str
    arguments: tuple[NixValue, ...]


@frozen
class Entry:
    """One definition in a set: an attribute path, its value, why it is there, and whether a blank line precedes it."""

    path: tuple[str, ...]
    value: NixValue
    why: str = ""
    gap: bool = False


@frozen
class Attrs:
    """A set whose definitions have an order, comments and dotted paths."""

    entries: tuple[Entry, ...]


@frozen
class Lambda:
    """A function of named arguments, as modules are: `{ lib, pkgs, ... }: body`."""

    arguments: tuple[str, ...]
    body: NixValue
    head: str = ""  # a comment above it


# A Union of names in quotes: Python 3.11 has no `type` statement, which could name itself.
NixValue: TypeAlias = Union[  # noqa: UP007
    str, int, bool, Sequence["NixValue"], Mapping[str, "NixValue"], PathLiteral, Raw, Apply, Attrs, Lambda, None
]


def mk_default(value: NixValue) -> Apply:
    """A value that a user's own module overrides without `mkForce`."""
    return Apply("lib.mkDefault", (value,))


def defaults(values: Mapping[str, NixValue]) -> dict[str, NixValue]:
    """A set of which a user's own module overrides each value alone; a list is one value."""
    return {
        name: defaults(value) if isinstance(value, Mapping) else mk_default(value) for name, value in values.items()
    }


def mk_force(value: NixValue) -> Apply:
    """A value that wins over what NixOS's own modules define."""
    return Apply("lib.mkForce", (value,))


def option(path: str, value: NixValue, why: str = "", *, gap: bool = False) -> Entry:
    """A definition by its option name: `option("services.caddy.enable", True)`; names must have no dots or quotes."""
    return Entry(tuple(path.split(".")), value, why, gap)
