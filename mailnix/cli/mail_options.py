"""Options of `mailnix doctor` by which a mail is sent to see what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from mailnix.doctor.registry import Group

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--mail-to", metavar="ADDRESS", help="Send a mail to this address elsewhere, and look how its server takes it."
    ),
    click.option("--mail-from", metavar="ADDRESS", help="Who sends it [default: the first mailbox]."),
    click.option("--mail-answers", is_flag=True, help="What is sent there comes back by itself: look how it arrives."),
)


def options(function: F) -> F:
    """Give a verb `mail_to`, `mail_from` and `mail_answers`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def groups(
    mail_to: str | None, mail_from: str | None, mail_answers: bool, only: tuple[str, ...] = ()
) -> tuple[Group[Any], ...]:
    """The group that sends a mail, where somebody has named an address; raises UsageError for what is none."""
    if mail_to is None:
        from mailnix.doctor.registry import MAIL

        if any(each.partition(".")[0] == MAIL for each in only):
            raise click.UsageError(f"{MAIL} sends a mail: say where to, with --mail-to ADDRESS")
        if mail_from or mail_answers:
            raise click.UsageError("--mail-from and --mail-answers are for --mail-to ADDRESS")
        return ()
    for address in filter(None, (mail_to, mail_from)):
        if not all(address.rpartition("@")[::2]) or address.startswith("-") or not address.isprintable():
            raise click.UsageError(f"{address!r} is no mail address")
    from mailnix.doctor.e2e.live import live

    return (live(mail_to, mail_from or "", answers=mail_answers),)
