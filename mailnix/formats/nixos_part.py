"""What one service adds to a NixOS machine: option definitions, and the text files that they name."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from mailnix.formats.nix import Entry, PathLiteral


@frozen
class NixosPart:
    """One service's share of `hosts/<name>/`.

    `options` stand together under `title`, a comment; `files` are text files by their path beside `default.nix`.
    """

    title: str
    options: tuple[Entry, ...]
    files: Mapping[str, str] = field(factory=dict)


def beside(path: str) -> PathLiteral:
    """The literal by which `default.nix` names a file or folder of its part."""
    return PathLiteral(f"./{path}")
