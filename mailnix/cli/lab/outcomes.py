"""What came of every check, group by group: its verdict, how long it took, and what was seen."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from mailnix.cli import output

if TYPE_CHECKING:
    from mailnix.lab.scenario import Outcome

MARGIN = "  "


def outcomes_text(outcomes: Sequence[Outcome], width: int | None = None) -> str:
    """Two lines a check; what was seen is cut to `width` columns, what went wrong never is."""
    lines: list[str] = []
    for group, checks in groupby(outcomes, key=lambda outcome: outcome.group):
        lines += [output.styled(str(group), sys.stdout, bold=True)]
        lines += [line for check in checks for line in _check(check, width)]
    return "\n".join(lines)


def terminal_width() -> int | None:
    """How many columns the reader has; None where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _check(outcome: Outcome, width: int | None) -> Iterator[str]:
    passed = outcome.verdict == "pass"
    verdict = output.styled(outcome.verdict, sys.stdout, fg="green" if passed else "red")
    took = f"{outcome.seconds:.0f} s".rjust(6)
    yield f"{MARGIN}{verdict} {took}{MARGIN}{outcome.title}"
    indent = " " * (2 * len(MARGIN) + len(outcome.verdict) + 1 + len(took))
    if not passed:
        yield from (f"{indent}{line}" for line in outcome.evidence.splitlines())
        return
    seen = " ".join(outcome.evidence.split())
    if width is not None and len(indent) + len(seen) > width:
        seen = f"{seen[: width - len(indent) - 1].rstrip()}…"
    if seen:
        yield output.styled(f"{indent}{seen}", sys.stdout, dim=True)
