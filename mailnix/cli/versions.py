"""Versions of what machines are made of, before and after a change, for people."""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.cli import output
from mailnix.deploy.values import Outcome, Report, Version


def lines(outcome: Outcome) -> Iterator[str]:
    """Parts of a machine's generation that become others, one a line."""
    for each in outcome.versions:
        if each.changes and each.old and not each.debian:
            yield f"{each.what} {each.old} → {each.new}"


def table(report: Report) -> str:
    """All parts and packages of all machines, those of Debian's that change."""
    rows = ((each.host, row) for each in report.machines for row in each.versions)
    cells = ((host, row.what, row.old or "-", row.new if row.done else row.old, _note(row)) for host, row in rows)
    return output.table(("machine", "part", "before", "after", "note"), cells)


def reboots(report: Report) -> Iterator[str]:
    """Machines that want to be started anew, which is for their owner to do."""
    for each in report.machines:
        if each.reboot:
            yield f"{each.host}: a restart is due: {each.reboot} (systemctl reboot, when it suits you)"


def _note(row: Version) -> str:
    if not row.changes:
        return "as it is"
    if not row.done:
        return f"not done: {row.new}"
    return "security" if row.security else "Debian" if row.debian else ""
