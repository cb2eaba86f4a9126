"""Questions at a terminal: each answer is looked at when it is given, and asked for again where it cannot be right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import click
from attrs import define

from mailnix.cli import output
from mailnix.errors import Severity
from mailnix.model.check import problems
from mailnix.starter import Answers, topology

Change = Callable[[str], Mapping[str, Any]]
"""From the text of an answer to the fields of `Answers` that it decides."""

SOUND: Final = Answers(domain="example.org", hostname="mail.example.org", ipv4="203.0.113.10")
"""What stands for answers that are not given yet; no mistake is in it."""


@define
class Asking:
    """The answers so far. `given` are options of the command line, by name; they are answers, too."""

    given: Mapping[str, str]
    answers: Answers = SOUND

    def ask(self, option: str, question: str, change: Change, default: str | None = None) -> None:
        """Take the option, or ask until the answer brings no new mistake.

        Without a terminal nothing is judged here (all mistakes are said at once, later); what is not given has its
        default, or is an error that names the option.
        """
        text = self.given.get(option)
        if not sys.stdin.isatty():
            if text is None and default is None:
                raise click.UsageError(f"there is no terminal to ask on: give {option}")
            self._take(change(text if text is not None else default or ""))
            return
        while True:
            if text is None:
                text = str(click.prompt(question, default=default, err=True)).strip()
            new = attrs.evolve(self.answers, **change(text))
            if not (said := _mistakes(new, self.answers)):
                self.answers = new
                return
            output.status(f"  {said}")
            text = None

    def _take(self, change: Mapping[str, Any]) -> None:
        self.answers = attrs.evolve(self.answers, **change)


def _mistakes(answers: Answers, before: Answers) -> str:
    """The first mistake that was not there before, with what to do; empty where there is none."""
    old = {problem.message for problem in problems(topology(before))}
    for problem in problems(topology(answers)):
        if problem.severity is Severity.ERROR and problem.message not in old:
            return problem.message + (f": {problem.hint}" if problem.hint else "")
    return ""
