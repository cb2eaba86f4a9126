"""Which Mailcow: a git revision and the hash of its tree, so that what runs is what was read."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from mailnix.formats.text import data


@frozen
class Pin:
    """A Mailcow source: a name for people, the git revision, where to fetch it, and the NAR hash of its tree (SRI)."""

    tag: str
    rev: str
    nar_hash: str
    url: str


PIN: Final = Pin(**data("mailcow/pin.toml"))
