"""The page of attacks is what the tests say, and leaves out no kind."""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest

from mailnix.run import run
from tests.attacks import table
from tests.attacks.marks import Kind

FEWEST = 150
PRINT = "from tests.attacks import table; print(table.page(table.collected()), end='')"


@pytest.fixture(scope="module")
def fresh() -> str:
    """In a process of its own: pytest collects once in a process."""
    return run([sys.executable, "-c", PRINT], cwd=table.ROOT, timeout=120).stdout


def test_the_page_is_up_to_date(fresh: str) -> None:
    assert table.PAGE.read_text() == fresh, "python -m tests.attacks.table writes it anew"


def test_enough_is_tried_of_every_kind(fresh: str) -> None:
    sections = re.split(r"^## ", fresh, flags=re.MULTILINE)[1:]
    cases = Counter(
        {section.partition("\n")[0]: len(re.findall(r"^\| (?!tried)", section, re.M)) for section in sections}
    )
    assert sum(cases.values()) >= FEWEST
    assert [kind for kind in Kind if cases[kind] < 3] == []


def test_every_row_names_a_source_and_an_answer(fresh: str) -> None:
    rows = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in fresh.splitlines() if line.startswith("| ")]
    assert [row for row in rows if len(row) != 4 or not all(cell.strip() for cell in row[:3])] == []


def test_a_bar_in_a_row_ends_no_cell() -> None:
    row = table.Row(Kind.RELAY, "a | b", "none", "this test", postfix=False, open="")
    assert row.text == r"| `` a \| b `` | none | this test |  |"
