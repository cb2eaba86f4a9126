"""Versions of what machines are made of, before and after a change, for people."""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.deploy.values import Outcome


def lines(outcome: Outcome) -> Iterator[str]:
    """Parts of a machine's generation that become others, one a line."""
    for each in outcome.versions:
        if each.changes and each.old:
            yield f"{each.what} {each.old} → {each.new}"
