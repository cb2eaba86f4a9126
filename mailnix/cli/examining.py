"""Verbs whose exit status says how something is: whatever kept them from looking must not be taken for that.

Click ends with 2 for wrong usage, `mailnix` with 1 for an error, and Python with 1 for a bug; all are answers of these.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import click

from mailnix.cli import output
from mailnix.doctor.values import Exit
from mailnix.errors import MailnixError

_BUG: Final = "that is a bug of mailnix: nothing was found out, neither good nor bad"
_REPORT: Final = "please open an issue with the lines above"
_NOTIFY: Final = "--notify"  # and all that begin with it


class Examining(click.Command):
    """Wrong usage, a description that cannot be read, a bug and every other error end as `trouble` says."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the command line."""
        with _told_apart(status_for(args)):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Look."""
        with _told_apart(trouble(ctx.params)):
            return super().invoke(ctx)


def trouble(given: Mapping[str, Any]) -> Exit:
    """How a verb ends that could not do its work, of the options that were given.

    Who is to be notified relies on that, and hears nothing: a service manager must not take it for an answer.
    """
    return status_for(f"--{name}" for name, value in given.items() if value not in (None, False))


def status_for(words: Iterable[str]) -> Exit:
    """The same, of the words as they were typed."""
    return Exit.UNTOLD if any(word.startswith(_NOTIFY) for word in words) else Exit.UNASKED


@contextmanager
def _told_apart(status: Exit) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        error.show()
        raise click.exceptions.Exit(status) from None
    except (BrokenPipeError, click.exceptions.Exit, click.Abort):  # who reads has enough, or who typed: no error
        raise
    except (MailnixError, OSError) as error:
        output.failure(output.as_failure(error))
        raise click.exceptions.Exit(status) from None
    except Exception:
        output.status(traceback.format_exc())
        output.failure(MailnixError(_BUG, _REPORT))
        raise click.exceptions.Exit(status) from None
