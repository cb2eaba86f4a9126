"""Edits by hand and a new Mailcow: what git makes of them, with its strategy `theirs`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailnix.services.mailcow.guest.merging import merge
from tests.services.conftest import tool

BASE = b"a\nb\nc\nd\ne\n"


@pytest.mark.parametrize(
    ("edited", "new", "merged", "lost"),
    [
        (b"a\nB\nc\nd\ne\n", b"a\nb\nc\nd\nE\n", b"a\nB\nc\nd\nE\n", False),
        (b"a\nb\nc\nd\ne\nmine\n", b"0\na\nb\nc\nd\ne\n", b"0\na\nb\nc\nd\ne\nmine\n", False),
        (b"a\nb\nd\ne\n", b"a\nb\nc\nd\nE\n", b"a\nb\nd\nE\n", False),
        (b"a\nmine\nc\nd\ne\n", b"a\ntheirs\nc\nd\ne\n", b"a\ntheirs\nc\nd\ne\n", True),
        (b"a\nsame\nc\nd\ne\n", b"a\nsame\nc\nd\ne\n", b"a\nsame\nc\nd\ne\n", False),
        (BASE, b"other\n", b"other\n", False),
        (b"mine\n", BASE, b"mine\n", False),
        (b"a\nb\nc\nd\ne", b"a\nb\nC\nd\ne\n", b"a\nb\nC\nd\ne", False),
        (b"\xff\n" + BASE, BASE + b"f\n", b"\xff\n" + BASE + b"f\n", False),
    ],
)
def test_both_are_kept_and_mailcows_where_they_meet(edited: bytes, new: bytes, merged: bytes, lost: bool) -> None:
    assert merge(BASE, edited, new) == (merged, lost)


TEXT = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=8).map(b"".join)


@given(base=TEXT, changed=TEXT)
@settings(max_examples=100)
def test_where_one_side_changed_nothing_the_other_is_the_result(base: bytes, changed: bytes) -> None:
    assert merge(base, changed, base) == (changed, False)
    assert merge(base, base, changed) == (changed, False)
    assert merge(base, changed, changed) == (changed, False)


def test_git_says_the_same_of_a_file_of_some_length(tmp_path: Path) -> None:
    git = tool("git")
    base = [b"line %d\n" % number for number in range(60)]
    mine, theirs = list(base), list(base)
    mine[5:7] = [b"mine\n"]
    mine[40] = b"mine, too\n"
    theirs[40] = b"theirs, too\n"
    del theirs[50:55]
    theirs[20:20] = [b"theirs\n", b"theirs\n"]
    texts = [b"".join(lines) for lines in (base, mine, theirs)]
    for name, text in zip(("base", "mine", "theirs"), texts, strict=True):
        (tmp_path / name).write_bytes(text)
    words = [git, "merge-file", "-p", "--theirs", "mine", "base", "theirs"]
    said = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    assert merge(*texts) == (said, True)
