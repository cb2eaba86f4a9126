"""What a deploy did, or would do, for people."""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.cli import output, versions
from mailnix.cli.planned import planned
from mailnix.deploy.commands import Commands
from mailnix.deploy.values import End, Outcome, Report, Seen

RECORDS_SHOWN = 10
WIDEST = 112  # characters of a record; a DKIM key has some 400


def show(report: Report, commands: Commands) -> None:
    """A table of machines, before it what would change where that is asked for; records to publish last, on stderr."""
    for each in report.machines:
        if each.end is End.PLANNED:
            output.result("\n".join(planned(each)))
        else:
            for line in (*versions.lines(each), *_done(each)):
                output.status(f"{each.host}: {line}")
        for seen in each.checks:
            output.status(_check(seen, each.host))
    rows = ((each.host, _number(each.before), _number(each.after), each.end, each.why) for each in report.machines)
    output.result(output.table(("machine", "before", "now", "what became of it", "why"), rows))
    if report.upgrade and any(each.versions for each in report.machines):
        output.result(versions.table(report))
    for line in (*versions.reboots(report), *reminder(report, commands)):
        output.status(line)


def _done(outcome: Outcome) -> Iterator[str]:
    """What became of units, of a machine that was changed."""
    if outcome.end is End.CONFIRMED:
        yield from (f"{verb} {unit}" for unit, verb in outcome.changes.units)


def _number(generation: int | None) -> str:
    return str(generation) if generation else "-"


def _check(seen: Seen, host: str) -> str:
    word = "ok" if seen.ok else ("NOT" if seen.demanded else "not, nor before")
    return f"{host}: {word}: {seen.what}, asked {f'from {seen.asked}' if seen.asked else 'from here'}: {seen.said}"


def reminder(report: Report, commands: Commands) -> Iterator[str]:
    """DNS comes last, when the machines know what it tells the world."""
    for word, lines in (("publish", report.publish), ("no longer needed", report.remove)):
        yield from (f"DNS, {word}: {_cut(line)}" for line in lines[:RECORDS_SHOWN])
        if len(lines) > RECORDS_SHOWN:
            yield f"DNS, {word}: {len(lines) - RECORDS_SHOWN} more records"
    if report.publish or report.remove:
        yield f"DNS: all of it: {commands.dns()}"


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"
