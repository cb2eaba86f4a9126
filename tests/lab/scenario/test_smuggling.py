"""What is said to sessions in bytes: the guest program here, and the checks on fakes, well and badly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailnix.lab.internet.guest import sessions
from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, smuggling
from tests.lab.internet.test_probe import HERE, server

from .conftest import Guests

START = [["220 hi"], ["250 hi"], ["250 ok"]]
CARRIED = [*START, ["250 ok"], ["354 go on"]]


def test_a_session_sends_its_bytes_and_hears_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with server([b"220 hi\r\n", b"250-one\r\n250 two\r\n", b"500 no\r\n", b"221 bye\r\n"]) as (port, heard):
        steps = json.dumps(["EHLO x\r\n", "\0\xe9\r\n"])
        assert sessions.main([f"--host={HERE}", f"--source={HERE}", f"--port={port}", f"--steps={steps}"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sessions": [[["220 hi"], ["250 two"], ["500 no", "221 bye"]]]}
    assert heard == [b"EHLO x", b"\0\xe9", b"QUIT"]


def said(guests: Guests, one: list[list[str]], count: int) -> None:
    guests[INTERNET].when("sessions.py", {"sessions": [one] * count})


@pytest.mark.parametrize("answer", ["550 no", "454 4.7.1 Relay access denied"])
def test_disguised_recipients_that_are_refused_pass(scene: Scene, guests: Guests, answer: str) -> None:
    said(guests, [*START, [answer, "221 bye"]], 5)
    assert smuggling.disguised_recipients_are_refused(scene) == "5 forms refused"


@pytest.mark.parametrize(
    ("heard", "why"),
    [
        ([*START, ["250 ok"]], "not refused"),
        ([*START, ["TimeoutError: "]], "not refused"),
        ([*START[:2], ["450 Mailcow is away"], ["503 no MAIL"]], "nobody was asked"),
        ([["TimeoutError: "]], "nobody was asked"),
        (START[:2], "nobody was asked"),
    ],
)
def test_disguised_recipients_that_are_taken_fail(scene: Scene, guests: Guests, heard: Any, why: str) -> None:
    said(guests, heard, 5)
    with pytest.raises(CheckFailed, match=why):
        smuggling.disguised_recipients_are_refused(scene)


@pytest.mark.parametrize("answers", [["451 bare line feed"], ["250 ok", "503 no", "221 bye"], ["550 no", "503 no"], []])
def test_one_mail_or_none_passes(scene: Scene, guests: Guests, answers: list[str]) -> None:
    said(guests, [*CARRIED, answers], len(smuggling.ENDINGS))
    assert "endings" in smuggling.smuggled_mail_is_not_taken(scene)


@pytest.mark.parametrize(
    ("heard", "why"),
    [
        ([*CARRIED, ["250 ok", "250 ok", "250 ok", "354 go on", "250 ok", "221 bye"]], "two mails of one"),
        ([*CARRIED, ["550 spam", "250 ok", "250 ok", "354 go on", "550 spam"]], "two mails of one"),
        ([*START, ["450 later"]], "was not tried"),
    ],
)
def test_two_mails_fail(scene: Scene, guests: Guests, heard: Any, why: str) -> None:
    said(guests, heard, len(smuggling.ENDINGS))
    with pytest.raises(CheckFailed, match=why):
        smuggling.smuggled_mail_is_not_taken(scene)
