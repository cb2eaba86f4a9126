"""What people and programs see: results on stdout, status on stderr, colour only where a terminal shows it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

import click

from mailnix.errors import CommandFailed, ConfigError, LabError, MailnixError, Problem, Severity

GAP = "  "


def result(text: str) -> None:
    """A line, or several, of what was asked for."""
    click.echo(text.rstrip("\n"))


def result_json(value: Any) -> None:
    """A result for programs; attrs values, enums, addresses and paths become plain JSON."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def status(text: str) -> None:
    """What happens meanwhile, for whoever watches."""
    click.echo(text, err=True)


def plain(value: Any) -> Any:
    """A value as JSON has it. Unknown types are an error: so a secret never becomes text here."""
    from cattrs import Converter

    converter = Converter()
    for kind in (IPv4Address, IPv4Network, IPv6Address, IPv6Network, Path):
        converter.register_unstructure_hook(kind, str)
    converter.register_unstructure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, StrEnum), str)
    return converter.unstructure(value)


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; the last one is free."""
    cells = [tuple(heading), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading))]
    lines = [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([styled(lines[0], sys.stdout, bold=True), *lines[1:]])


def problem_line(problem: Problem, stream: Any) -> str:
    """A mistake with its path, and below it what to do."""
    is_error = problem.severity is Severity.ERROR
    word = styled(problem.severity, stream, fg="red" if is_error else "yellow")
    return f"{word}: {problem}" + (f"\n    {problem.hint}" if problem.hint else "")


def as_failure(error: MailnixError | OSError) -> MailnixError:
    """Trouble with a file, as an error of ours."""
    if isinstance(error, MailnixError):
        return error
    where = f"{error.filename}: " if error.filename else ""
    return MailnixError(f"{where}{error.strerror or error}")


def failure(error: MailnixError) -> None:
    """An error as one clear line and its hint; a wrong description as a line for each mistake."""
    if isinstance(error, ConfigError):
        for problem in error.problems:
            status(problem_line(problem, sys.stderr))
        return
    status(f"{styled('mailnix', sys.stderr, fg='red')}: {error.message}")
    shown = error.console if isinstance(error, LabError) else ""
    if isinstance(error, CommandFailed):
        shown = error.last_lines
    for line in shown.strip().splitlines()[-10:]:
        status(f"  | {line}")
    if error.hint:
        status(f"  {error.hint}")


def styled(text: str, stream: Any, **style: Any) -> str:
    """Coloured where `stream` is a terminal and NO_COLOR is not set (no-color.org)."""
    return click.style(text, **style) if stream.isatty() and not os.environ.get("NO_COLOR") else text


def counter(what: str) -> CountedProgress:
    """Progress of many equal steps."""
    return CountedProgress(what)


class CountedProgress:
    """`what: 17 of 1000` on one line of a terminal; elsewhere a line for each tenth."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.tenth = 0

    def __call__(self, done: int, total: int) -> None:
        """So many of so many are done."""
        if sys.stderr.isatty():
            click.echo(f"\r{self.what}: {done} of {total}", nl=done == total, err=True)
        elif total > 10 and done * 10 // total > self.tenth:
            self.tenth = done * 10 // total
            status(f"{self.what}: {done} of {total}")
