"""`mailnix init` at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.model.check import problems
from tests.cli.conftest import Run, Said


class Terminal:
    """Somebody who types these lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = iter(lines)

    def isatty(self) -> bool:
        return True

    def readline(self, _limit: int = -1) -> str:
        return next(self.lines, "") + "\n"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, mailnix: Run, tmp_path: Path) -> Run:
    def run(*lines: str, options: tuple[str, ...] = ()) -> Said:
        monkeypatch.setattr(sys, "stdin", Terminal(*lines))
        return mailnix("init", tmp_path / "new", *options)

    return run


def test_a_wrong_answer_is_asked_for_again_at_once_and_the_others_are_kept(typed: Run, tmp_path: Path) -> None:
    said = typed(
        "https://example.org/",
        "example.org",
        "",
        "10.0.0.1",
        "5.9.100.1",
        "2a01::xyz",
        "",
        "alice@example.org",
        "alice",
    )
    assert said.status == 0
    assert "is a URL; write only the name in it: example.org" in said.err
    assert "10.0.0.1 is a private address" in said.err
    assert said.err.count("Your mail domain") == 2
    assert said.err.count("First mailboxes") == 2
    topology = load(tmp_path / "new/mail.py")
    assert [problem for problem in problems(topology) if problem.severity == "error"] == []
    assert (topology.hostname, topology.proxies[0].ipv4) == ("mail.example.org", "5.9.100.1")
    assert topology.domains[0].mailboxes[0].local_part == "alice"


def test_a_wrong_option_is_said_and_asked_for(typed: Run, tmp_path: Path) -> None:
    said = typed(
        "5.9.100.1", "", "me", options=("--domain=example.org", "--hostname=mail.example.org", "--proxy-ipv4=x")
    )
    assert said.status == 0
    assert said.err.count("Static public IPv4 address of the proxy") == 1
    assert load(tmp_path / "new/mail.py").proxies[0].ipv4 == "5.9.100.1"


def test_a_name_of_two_things_is_found_when_the_second_is_given(typed: Run) -> None:
    said = typed("example.org", "example.org", "mail.example.org", "5.9.100.1", "", "me")
    assert said.status == 0
    assert said.err.count("What clients connect to") == 2


def test_what_was_typed_is_kept_though_an_option_is_wrong(typed: Run, tmp_path: Path) -> None:
    said = typed("example.org", "", "5.9.100.1", "", "alice", options=("--admin-key=not a key",))
    assert said.status == 1
    assert "error: admin_keys[0]" in said.err
    assert "alice" in (tmp_path / "new/mail.py").read_text()
