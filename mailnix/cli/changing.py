"""A change of machines that run, told: its progress, its end, and what to type next."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from mailnix.cli import output
from mailnix.cli.deployed import show
from mailnix.deploy.commands import Commands
from mailnix.deploy.deploying import Failed
from mailnix.deploy.values import Report
from mailnix.errors import MailnixError


def told(work: Callable[[Callable[[str], None]], Report], commands: Commands, *, as_json: bool) -> None:
    """Do it, and show what became of the machines, also where it failed half-way.

    It is given whom to tell of its progress: commands are told there, and in hints, as they are to be typed.
    """
    failure: MailnixError | None = None
    try:
        report = work(lambda text: output.status(commands.filled(text)))
    except Failed as error:
        error.hint = commands.filled(error.hint)
        report, failure = evolve(error.report, error=error.message), error
    except MailnixError as error:
        error.hint = commands.filled(error.hint)
        if not as_json:
            raise
        report, failure = Report((), error=error.message), error
    if as_json:
        output.result_json(report)
    else:
        show(report, commands)
    if failure is not None:
        raise failure
