"""Questions at a terminal: each answer is looked at when it is given, and asked for again where it cannot be right."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import attrs
import click
from attrs import define

from mailnix.cli import output
from mailnix.cli.answers import SOUND, Change, Refused, heard
from mailnix.starter import Answers


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
            try:
                self.take(change(text if text is not None else default or ""))
            except Refused as error:
                raise Refused(f"{option}: {error.message}") from None
            return
        while True:
            if text is None:
                text = str(click.prompt(question, default=default, err=True)).strip()
            self.answers, said = heard(self.answers, change, text)
            if not said:
                return
            output.status(f"  {said}")
            text = None

    def take(self, change: Mapping[str, Any]) -> None:
        """An answer that needs no question."""
        self.answers = attrs.evolve(self.answers, **change)
