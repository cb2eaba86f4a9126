"""Options of `mailnix doctor` for runs that tell only of changes, and for whom to tell of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mailnix.cli import options as shared
from mailnix.model.names import mail_problem

if TYPE_CHECKING:
    from mailnix.pipeline import Changes

F = TypeVar("F", bound=Callable[..., Any])
STATE: Final = "Where --changes keeps what it knows [default: in ~/.local/state/mailnix]."
NOTIFY: Final = "With --changes: mail it, too, to the description's contact."
TO: Final = "Mail it to this address: best to one at another provider."
BY: Final = "How: a sendmail program, smtps://USER@HOST, or smtp:// for STARTTLS [default: this machine's sendmail]."
PASSWORD: Final = "A file with USER's password, for you alone to read."
FROM: Final = "Who sends it [default: USER, where that is an address]."
_OPTIONS: Final = (
    click.option("--changes", is_flag=True, help="Print only what has changed since the last run with --changes."),
    click.option("--state", type=shared.PATH, metavar="FILE", help=STATE),
    click.option("--notify", is_flag=True, help=NOTIFY),
    click.option("--notify-to", metavar="ADDRESS", help=TO),
    click.option("--notify-by", metavar="PROGRAM|URL", help=BY),
    click.option("--notify-password", type=shared.PATH, metavar="FILE", help=PASSWORD),
    click.option("--notify-from", metavar="ADDRESS", help=FROM),
)


def options(function: F) -> F:
    """Give a verb these options; `taken` makes a value of them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def taken(given: dict[str, Any], authorities: Path | None) -> Changes | None:
    """Take these options out of what was typed; None where all is to be printed. Raises UsageError, MailnixError."""
    changes, state = given.pop("changes"), given.pop("state")
    notify, to, by, password, sender = (given.pop(f"notify{each}") for each in ("", "_to", "_by", "_password", "_from"))
    wanted = notify or to
    if wanted and not changes:
        raise click.UsageError("who is to be notified is told of changes: add --changes")
    if (by or password or sender) and not wanted:
        raise click.UsageError("say whom to notify: --notify, or --notify-to ADDRESS")
    for address in filter(None, (to, sender)):
        if problem := mail_problem(address):
            raise click.UsageError(f"{address!r} is no mail address: {problem}")
    if not changes:
        return None
    from mailnix.doctor.notifying import Notices
    from mailnix.doctor.ways import way
    from mailnix.pipeline import Changes

    return Changes(state, Notices(way(by, password, authorities), to or "", sender or "") if wanted else None)
