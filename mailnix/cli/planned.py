"""What a deploy would change on a machine, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from mailnix.cli import output, versions
from mailnix.deploy.values import Changes, Outcome

FILES_SHOWN = 20


def planned(outcome: Outcome) -> Iterator[str]:
    """Why, then files, units, versions, packages and credentials, a line each."""
    changes = outcome.changes
    yield output.styled(f"{outcome.host}: {outcome.why}", sys.stdout, bold=True)
    for word, names in (("add", changes.added), ("change", changes.changed), ("remove", changes.gone)):
        yield from _some(f"  {word} ", names)
    yield from (f"  {verb} {unit}" for unit, verb in changes.units)
    yield from (f"  {line}" for line in versions.lines(outcome))
    yield from _packages(changes)
    yield from (f"  credential {name}" for name in outcome.credentials)


def _packages(changes: Changes) -> Iterator[str]:
    for word, rows in (("install", changes.new), ("upgrade", changes.upgraded), ("uninstall", changes.removed)):
        yield from (f"  {word} {' '.join(row)}" for row in rows)


def _some(prefix: str, names: Sequence[str]) -> Iterable[str]:
    yield from (f"{prefix}{name}" for name in names[:FILES_SHOWN])
    if len(names) > FILES_SHOWN:
        yield f"{prefix}{len(names) - FILES_SHOWN} more files"
