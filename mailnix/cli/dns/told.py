"""What a look at DNS found, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from mailnix.cli import output
from mailnix.published import Finding, Look, State

_COLOURS: Final = {State.IN_THE_WAY: "red", State.DIFFERENT: "red", State.MISSING: "yellow"}


def told(found: Look) -> str:
    """A paragraph for each difference, and a last line that counts."""
    lines = [line for finding in found.findings for line in (*_finding(finding), "")]
    counts = {state: sum(finding.state is state for finding in found.findings) for state in State}
    differing = [f"{count} {state}" for state, count in counts.items() if count]
    return "\n".join([*lines, ", ".join([f"{found.same} as described", *differing])])


def _finding(finding: Finding) -> Iterator[str]:
    state = output.styled(finding.state, sys.stdout, fg=_COLOURS.get(finding.state))
    need = f" ({finding.need})" if finding.need else ""
    yield f"{finding.name} {finding.type}: {state}{need}: {finding.why}"
    yield from (f"    is      {data}" for data in finding.found)
    yield from (f"    should  {data}" for data in finding.wanted)
    yield f"    {finding.todo}"
    yield f"    asked: {', '.join(finding.where)}"
