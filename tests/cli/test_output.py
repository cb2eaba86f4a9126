"""Tables, colours, JSON."""

from __future__ import annotations

import io
from typing import Any

import pytest
from attrs import frozen

from mailnix.cli import output
from mailnix.errors import CommandFailed, ConfigError, LabError, Problem
from mailnix.secrets import Secret


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert output.table(("a", "bbb"), [("long one", 1), ("x", "y")]) == "a         bbb\nlong one  1\nx         y"


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.styled("x", io.StringIO(), fg="red") == "x"
    assert output.styled("x", Terminal(), fg="red") != "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.styled("x", Terminal(), fg="red") == "x"


@frozen
class Leak:
    secret: Any


def test_a_secret_never_becomes_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TypeError):
        output.result_json(Leak(Secret(b"horse battery")))
    assert "horse" not in capsys.readouterr().out


def test_a_failed_program_shows_its_last_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.failure(CommandFailed(["mkfs"], 1, "one\ntwo\n", "buy a disk"))
    assert capsys.readouterr().err == "mailnix: mkfs failed with status 1: two\n  | one\n  | two\n  buy a disk\n"


def test_a_guest_that_hangs_shows_its_console(capsys: pytest.CaptureFixture[str]) -> None:
    output.failure(LabError("proxy did not boot", "look", "Kernel panic\n"))
    assert capsys.readouterr().err == "mailnix: proxy did not boot\n  | Kernel panic\n  look\n"


def test_every_mistake_of_a_description_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.failure(ConfigError([Problem("a", "is wrong", "fix it"), Problem("b", "too")]))
    assert capsys.readouterr().err == "error: a: is wrong\n    fix it\nerror: b: too\n"


def test_progress_without_a_terminal_is_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = output.CountedProgress("keys")
    for number in range(1, 101):
        progress(number, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "keys: 10 of 100"
    assert lines[-1] == "keys: 100 of 100"
    assert len(lines) == 10
