"""Verbs whose exit status says how something is: whatever kept them from looking must not be taken for that.

Click ends with 2 for wrong usage, and `mailnix` with 1 for an error; both are answers of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import click

from mailnix.cli import output
from mailnix.doctor.values import Exit
from mailnix.errors import MailnixError

_NOTIFY: Final = "--notify"  # and all that begin with it


class Examining(click.Command):
    """Wrong usage, a description that cannot be read and every other error end as `trouble` says."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the command line."""
        with _told_apart(_status(args)):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Look."""
        with _told_apart(trouble(ctx.params)):
            return super().invoke(ctx)


def trouble(given: Mapping[str, Any]) -> Exit:
    """How a verb ends that could not do its work, of the options that were given.

    Who is to be notified relies on that, and hears nothing: a service manager must not take it for an answer.
    """
    return _status(f"--{name}" for name, value in given.items() if value not in (None, False))


def _status(words: Iterable[str]) -> Exit:
    return Exit.UNTOLD if any(word.startswith(_NOTIFY) for word in words) else Exit.UNASKED


@contextmanager
def _told_apart(status: Exit) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        error.show()
        raise click.exceptions.Exit(status) from None
    except BrokenPipeError:  # somebody has read enough: no error
        raise
    except (MailnixError, OSError) as error:
        output.failure(output.as_failure(error))
        raise click.exceptions.Exit(status) from None
