"""How findings are shown, and the exit status that goes with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mailnix.cli import output
from mailnix.deploy.commands import Commands, option
from mailnix.deploy.start import Reach
from mailnix.doctor import report
from mailnix.doctor.notifying import Untold
from mailnix.doctor.values import Answer, Exit, Finding, exit_status
from mailnix.errors import MailnixError

_COLOURS: Final = {"failure": "red", "warning": "yellow", "well": "green"}


def typed(
    config: Path, reach: Reach, secrets: Path | None, resolvers: Sequence[str], authorities: Path | None
) -> Commands:
    """Commands to type next, with the options that were typed."""
    asks = (*option("--resolver", *resolvers), *option("--authorities", authorities))
    return Commands(str(config), reach.options, option("--secrets", secrets), ssh_config=reach.config, asks=asks)


def show(found: Sequence[Finding], news: Sequence[Finding] | None, *, everything: bool, as_json: bool) -> int:
    """Print what was found, or of it what is `news`; gives the exit status, which is that of all of it."""
    if as_json:
        output.result_json(report.report(found if news is None else news))
    elif news is not None:
        _print(news)
    else:
        _print([each for each in found if everything or each.answer is not Answer.WELL])
        output.result(report.summary(found))
    return exit_status(found)


def failed(error: MailnixError, said: Callable[[str], str], status: Exit, *, as_json: bool) -> int:
    """Say why nothing could be looked at, or nobody told: with exit status 1, that would be taken for a warning.

    `said` gives commands as they are to be typed. Gives `status`.
    """
    error.hint = said(error.hint)
    if isinstance(error, Untold):
        show(error.found, error.news, everything=False, as_json=as_json)
    elif as_json:
        output.result_json(report.report((), error.message))
    output.failure(error)
    return status


def _print(findings: Sequence[Finding]) -> None:
    for each in findings:
        word = report.word(each)
        first, *rest = report.lines(each)
        output.result("\n".join((f"{output.styled(word, sys.stdout, fg=_COLOURS.get(word))}: {first}", *rest)))
