"""docs/reference/attacks.md from the tests' marks: `python -m tests.attacks.table` writes it anew."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from attrs import define, field, frozen

from tests.attacks.marks import Kind

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/attacks.md"
PLACES = ("tests/attacks", "tests/services")
HEAD = """\
# What is tried against the mail path

Generated from the tests' marks, by `python -m tests.attacks.table`. Each row is a test of the programs themselves
(Haraka, Caddy, nft as rendered here). It fails where anything is seen that does not stand under *right*, so that is
what came of it; what is open says so. Where *Postfix* says "asked too", the same test asks Postfix the same.

`pytest tests/attacks tests/services` runs them. `mailnix lab` tries some of them on booted machines.
"""


@frozen
class Row:
    """A case: where it stands, what is tried, the right answer and who says so."""

    kind: Kind
    what: str
    right: str
    source: str
    postfix: bool
    open: str

    @property
    def text(self) -> str:
        """The row of the page."""
        right = f"{self.right}; **open:** {self.open}" if self.open else self.right
        cells = (_as_code(self.what), right, self.source, "asked too" if self.postfix else "")
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


@define(eq=False)  # pytest keeps plugins in sets
class Collector:
    """A plugin of pytest that keeps the rows of all tests that it finds."""

    rows: list[Row] = field(factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Once all are found."""
        rows = (row_of(item) for item in session.items)
        self.rows = list(dict.fromkeys(row for row in rows if row))


def row_of(item: pytest.Item) -> Row | None:
    """What a test says of itself, if it is an attack."""
    mark = item.get_closest_marker("attack")
    if mark is None:
        return None
    failing = item.get_closest_marker("xfail")
    said = mark.kwargs
    return Row(
        said["kind"],
        said["what"] or _sentence(item),
        said["right"],
        said["source"],
        said["postfix"],
        failing.kwargs["reason"] if failing else "",
    )


def _sentence(item: pytest.Item) -> str:
    name, _, case = item.name.partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{words}: {case.removesuffix(']')}" if case else words


def _as_code(text: str) -> str:
    """As it is where it is a sentence, as code where Markdown or a reader would take it for something else."""
    plain = all(char.isalnum() or char in " ,.:;-'/=()^+" for char in text) and text[:1].isalnum()
    return text if plain else f"`` {text} ``"


def collected() -> list[Row]:
    """Every case of the tree."""
    collector = Collector()
    os.chdir(ROOT)
    with contextlib.redirect_stdout(sys.stderr):
        ended = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *PLACES], plugins=[collector])
    if ended != pytest.ExitCode.OK:
        raise SystemExit("not every test could be collected")
    return collector.rows


def page(rows: Iterable[Row]) -> str:
    """The page's text."""
    rows = list(rows)
    lines = [HEAD, f"{len(rows)} cases of {len({row.kind for row in rows})} kinds."]
    for kind in Kind:
        of_kind = sorted((row for row in rows if row.kind is kind), key=lambda row: row.what)
        lines += [f"\n## {kind}\n", "| tried | right | says who | Postfix |", "|---|---|---|---|"]
        lines += [row.text for row in of_kind]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(collected()))
