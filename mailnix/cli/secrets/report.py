"""What became of a secrets folder, for people and programs; names only."""

from __future__ import annotations

from mailnix.cli import output
from mailnix.secrets import Report

ENTRIES_SHOWN = 3


def show(report: Report, as_json: bool) -> None:
    """Print which credentials were made, and what to know."""
    if as_json:
        output.result_json(report)
        return
    if report.made:
        rows = ((made.host, made.name, _what(made.purpose, made.entries)) for made in report.made)
        output.result(output.table(("machine", "made", "what"), rows))
    output.result(f"{report.folder}: {len(report.made)} made, {report.kept} kept")
    for note in report.notes:
        output.status(f"note: {note}")


def _what(purpose: str, entries: tuple[str, ...]) -> str:
    if not entries:
        return purpose
    more = f" and {len(entries) - ENTRIES_SHOWN} more" if len(entries) > ENTRIES_SHOWN else ""
    return f"{purpose}: {', '.join(entries[:ENTRIES_SHOWN])}{more}"
