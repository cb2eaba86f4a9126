"""docs/reference/doctor.md from the tables of checks: `python -m tests.doctor.table` writes it anew."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from mailnix.doctor.e2e.live import live
from mailnix.doctor.registry import Group, groups

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/doctor.md"
FILE = Path(__file__).with_name("counterparts.toml")
HEAD = """\
# What the doctor looks at

Generated from the tables of checks, by `python -m tests.doctor.table`. An id never changes its meaning.
`mailnix doctor CONFIG --only ID` asks one, `--only GROUP` a group: see [Watching](../howto/watching.md).

Severity is that of a finding that is wrong or absent; some findings of a check are milder, and say so.
*Seen from* is where the question is asked from, where a finding does not say another place.
"""


@frozen
class Counterpart:
    """What another program looks at, the ids that ask the same, and what of it we lack."""

    theirs: str
    ids: tuple[str, ...] = ()
    lacks: str = ""


@frozen
class Other:
    """Another program that looks whether all is well."""

    title: str
    what: str
    asks: tuple[Counterpart, ...]


def every() -> tuple[Group[Any], ...]:
    """All groups, those too that run only where somebody asks for them."""
    return (*groups(), live("you@example.net"))


def others() -> tuple[Other, ...]:
    """Those that we compare with."""
    said: dict[str, Any] = tomllib.loads(FILE.read_text("utf-8"))
    return tuple(
        Other(
            each["title"],
            each["what"],
            tuple(Counterpart(ask["theirs"], tuple(ask.get("ids", ())), ask.get("lacks", "")) for ask in each["asks"]),
        )
        for each in said.values()
    )


def page(known: Iterable[Group[Any]], compared: Iterable[Other]) -> str:
    """The page's text."""
    return "\n".join(_lines(tuple(known), tuple(compared))) + "\n"


def _lines(known: tuple[Group[Any], ...], compared: tuple[Other, ...]) -> Iterator[str]:
    yield HEAD
    yield f"{sum(len(group.checks) for group in known)} checks in {len(known)} groups."
    titles = [other.title for other in compared]
    for group in known:
        yield f"\n## {group.name}\n"
        yield f"| id | holds where all is well | severity | seen from | {' | '.join(titles)} |"
        yield "|---" * (4 + len(titles)) + "|"
        for check in group.checks:
            theirs = [_theirs(other, check.id) for other in compared]
            cells = (f"`{check.id}`", check.title, check.severity.value, check.vantage.value, *theirs)
            yield f"| {' | '.join(cells)} |"
    for other in compared:
        yield f"\n## What {other.title} looks at\n"
        yield f"Compared with {other.what}.\n"
        yield "| theirs | ours | not here |\n|---|---|---|"
        for ask in other.asks:
            yield f"| {ask.theirs} | {', '.join(f'`{each}`' for each in ask.ids) or 'none'} | {ask.lacks} |"


def _theirs(other: Other, name: str) -> str:
    areas = (ask.theirs.partition(":")[0] for ask in other.asks if name in ask.ids)
    return ", ".join(dict.fromkeys(areas)) or "none"


if __name__ == "__main__":
    PAGE.write_text(page(every(), others()))
