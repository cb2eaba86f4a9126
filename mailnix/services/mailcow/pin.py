"""Which Mailcow: a git revision and the hash of its tree, so that what runs is what was read."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Pin:
    """A Mailcow source: a name for people, the git revision, where to fetch it, and the NAR hash of its tree (SRI)."""

    tag: str
    rev: str
    nar_hash: str
    url: str


PIN: Final = Pin(
    tag="2026-07a",
    rev="489db905122d20487e29c9a8438b311c403442ab",
    nar_hash="sha256-l7JvY4MD4v3tnsfOkOfHJDrrrXKrTTHI2XGnYwyP6ps=",
    url="https://github.com/mailcow/mailcow-dockerized",
)
