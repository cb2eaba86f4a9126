"""Which verb was meant by words that were not understood before it was asked: `mailnix --nonsense doctor CONFIG`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mailnix.cli.examining import Examining, status_for
from mailnix.cli.group import Verbs
from mailnix.doctor.values import Exit


def mistaken(verbs: Verbs, words: Sequence[str]) -> Exit | None:
    """How wrong usage ends where an examining verb was meant; None, and thus click's 2, where another one was.

    So it is for a verb that there is not (`doctr`), which names none: whoever types it first is told at once.
    """
    return status_for(words) if isinstance(meant(verbs, words), Examining) else None


def meant(verbs: Verbs, words: Sequence[str]) -> click.Command:
    """The first verb that words name, also behind options that there are not; the group itself where they name none."""
    for number, word in enumerate(words):
        if command := verbs.get_command(click.Context(verbs), word):
            return meant(command, words[number + 1 :]) if isinstance(command, Verbs) else command
    return verbs
