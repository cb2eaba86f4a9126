"""Commands are typed on a tty and their questions answered, as a person does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.lab.waiting import attempts
from rig.terminal import COLUMNS, ROWS, Terminal, opened

LONG = 60.0  # seconds


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with opened(tmp_path, {"GREETING": "hello"}) as found:
        yield found


def test_it_is_a_tty_of_a_persons_size_in_a_folder(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.type("test -t 0 && stty size && pwd && echo $GREETING", attempts(LONG))
    assert said.splitlines()[1:] == [f"{ROWS} {COLUMNS}", str(tmp_path), "hello"]


def test_questions_are_answered_each_time_that_they_are_asked(terminal: Terminal) -> None:
    ask = "printf 'Sure? '; read -r a; printf 'Sure? '; read -r b; printf 'Which? '; read -r c; echo got $a $b $c"
    said = terminal.type(ask, attempts(LONG), {"Sure? ": "yes", "Which? ": "this"})
    assert said.splitlines()[-1] == "got yes yes this"


def test_what_ends_badly_is_told_with_what_it_said(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match="no such thing"):
        terminal.type("echo no such thing; false", attempts(LONG))
    assert terminal.type("(exit 3)", attempts(LONG), status=3)


def test_what_does_not_end_is_told(terminal: Terminal) -> None:
    with pytest.raises(AssertionError, match=r"cat does not end"):
        terminal.type("cat", attempts(0.2))
