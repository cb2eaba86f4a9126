"""Verbs whose exit status says how something is: whatever kept them from looking must not be taken for that.

Click ends with 2 for wrong usage, and `mailnix` with 1 for an error; both are answers of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from mailnix.cli import output
from mailnix.doctor.values import Exit
from mailnix.errors import MailnixError


class Examining(click.Command):
    """Wrong usage, a description that cannot be read and every other error end with Exit.UNASKED."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the command line."""
        with _told_apart():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Look."""
        with _told_apart():
            return super().invoke(ctx)


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        error.show()
        raise click.exceptions.Exit(Exit.UNASKED) from None
    except BrokenPipeError:  # somebody has read enough: no error
        raise
    except (MailnixError, OSError) as error:
        output.failure(output.as_failure(error))
        raise click.exceptions.Exit(Exit.UNASKED) from None
