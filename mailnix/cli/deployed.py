"""What a deploy did, or would do, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from mailnix.cli import output
from mailnix.deploy.values import Changes, End, Outcome, Report, Seen

FILES_SHOWN = 20
RECORDS_SHOWN = 10
WIDEST = 112  # characters of a record; a DKIM key has some 400


def show(report: Report, config: str) -> None:
    """A table of machines, before it what would change where that is asked for; records to publish last, on stderr."""
    for each in report.machines:
        if each.end is End.PLANNED:
            output.result("\n".join(_planned(each)))
        for seen in each.checks:
            output.status(_check(seen, each.host))
    rows = ((each.host, _number(each.before), _number(each.after), each.end, each.why) for each in report.machines)
    output.result(output.table(("machine", "before", "now", "what became of it", "why"), rows))
    for line in reminder(report, config):
        output.status(line)


def _number(generation: int | None) -> str:
    return str(generation) if generation else "-"


def _check(seen: Seen, host: str) -> str:
    word = "ok" if seen.ok else ("NOT" if seen.demanded else "not, nor before")
    return f"{host}: {word}: {seen.what}, asked {f'from {seen.asked}' if seen.asked else 'from here'}: {seen.said}"


def _planned(outcome: Outcome) -> Iterator[str]:
    changes = outcome.changes
    yield output.styled(f"{outcome.host}: {outcome.why}", sys.stdout, bold=True)
    for word, names in (("add", changes.added), ("change", changes.changed), ("remove", changes.gone)):
        yield from _some(f"  {word} ", names)
    yield from (f"  {verb} {unit}" for unit, verb in changes.units)
    yield from _packages(changes)
    yield from (f"  credential {name}" for name in outcome.credentials)


def _packages(changes: Changes) -> Iterator[str]:
    for word, rows in (("install", changes.new), ("upgrade", changes.upgraded), ("uninstall", changes.removed)):
        yield from (f"  {word} {' '.join(row)}" for row in rows)


def _some(prefix: str, names: Sequence[str]) -> Iterable[str]:
    yield from (f"{prefix}{name}" for name in names[:FILES_SHOWN])
    if len(names) > FILES_SHOWN:
        yield f"{prefix}{len(names) - FILES_SHOWN} more files"


def reminder(report: Report, config: str) -> Iterator[str]:
    """DNS comes last, when the machines know what it tells the world."""
    for word, lines in (("publish", report.publish), ("no longer needed", report.remove)):
        yield from (f"DNS, {word}: {_cut(line)}" for line in lines[:RECORDS_SHOWN])
        if len(lines) > RECORDS_SHOWN:
            yield f"DNS, {word}: {len(lines) - RECORDS_SHOWN} more records"
    if report.publish or report.remove:
        yield f"DNS: all of it: mailnix dns {config}"


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"
