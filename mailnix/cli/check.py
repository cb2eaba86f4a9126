"""`mailnix check`: every mistake at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailnix.cli import options, output
from mailnix.errors import Severity


@click.command("check")
@options.config
@options.secrets
@options.as_json
def command(config: Path, secrets: Path | None, as_json: bool) -> int:
    """Find every mistake in CONFIG and what is damaged in its secrets folder, each with its path and what to do."""
    from mailnix import pipeline

    found = pipeline.problems(config, secrets)
    errors = sum(problem.severity is Severity.ERROR for problem in found)
    if as_json:
        output.result_json({"ok": not errors, "problems": found})
    else:
        for problem in found:
            output.result(output.problem_line(problem, sys.stdout))
        output.result(_summary(config, errors, len(found) - errors))
    return 1 if errors else 0


def _summary(config: Path, errors: int, warnings: int) -> str:
    def counted(number: int, word: str) -> str:
        return f"{number or 'no'} {word}{'' if number == 1 else 's'}"

    return f"{config}: {counted(errors, 'mistake')}" + (f", {counted(warnings, 'warning')}" if warnings else "")
