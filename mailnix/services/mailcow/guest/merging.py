"""A person's edits of a file, and Mailcow's new one: both, as `git merge -X theirs` in Mailcow's update.sh has it.

Where both changed the same lines, Mailcow's are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Lines = Sequence[bytes]


def merge(base: bytes, edited: bytes, new: bytes) -> tuple[bytes, bool]:
    """What both made of `base`, and whether some of the edits were lost to changes of the same lines."""
    before, mine, theirs = (text.splitlines(keepends=True) for text in (base, edited, new))
    merged: list[bytes] = []
    lost = False
    at_base = at_mine = at_theirs = 0
    for start, length, in_mine, in_theirs in _unchanged(before, mine, theirs):
        was = before[at_base:start]
        ours, upstream = mine[at_mine:in_mine], theirs[at_theirs:in_theirs]
        merged += ours if upstream == was else upstream
        lost |= was not in (ours, upstream) and ours != upstream
        merged += before[start : start + length]
        at_base, at_mine, at_theirs = start + length, in_mine + length, in_theirs + length
    return b"".join(merged), lost


def _unchanged(before: Lines, mine: Lines, theirs: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that both kept: where they begin in `before`, how many, where in the two; an empty one last."""
    others = _matches(before, theirs)
    for start, end, in_mine in _matches(before, mine):
        for other_start, other_end, in_theirs in others:
            first, last = max(start, other_start), min(end, other_end)
            if first < last:
                yield first, last - first, in_mine + first - start, in_theirs + first - other_start
    yield len(before), 0, len(mine), len(theirs)


def _matches(before: Lines, after: Lines) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return [(block.a, block.a + block.size, block.b) for block in blocks if block.size]
