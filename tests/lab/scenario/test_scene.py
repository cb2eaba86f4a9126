"""What checks ask of machines goes by the machines' pace, and is asked once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene
from mailnix.lab.signs import Signs
from mailnix.lab.waiting import Clock, Wait


def test_programs_on_slow_machines_are_given_more_time(scene: Scene, guests: dict[str, Any]) -> None:
    guests[INTERNET].when(r"post|probe", {"ok": True})
    scene.pace = lambda: 3.04
    scene.post("inbox", timeout=100, mailbox="carol@elsewhere.test")
    scene.probe("imap", scene.layout.client.ipv4, timeout=100)
    posted, probed = guests[INTERNET].asked
    assert "--timeout=304.0" in posted
    assert "--timeout=304.0" in probed
    assert "--pace=3.0" in probed


def test_what_is_looked_for_is_looked_for_while_machines_move(scene: Scene) -> None:
    times = iter(float(number) for number in range(10_000))
    clock = Clock(lambda: next(times), lambda _seconds: None)
    printed = iter(range(100))
    scene.wait = lambda timeout: Wait(timeout, clock, lambda: Signs(next(printed, 99)))
    with pytest.raises(CheckFailed, match=r"waited (\d{3}) s in vain for the tunnel"):
        scene.wait_for("the tunnel", lambda: None, timeout=20)


def test_two_checks_of_one_mail_wait_for_that_mail(scene: Scene) -> None:
    made: list[int] = []
    wanted = threading.Event()

    def make() -> str:
        wanted.wait(10)
        made.append(1)
        return "the mail"

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(scene.remember, "mail", make) for _ in range(2))
        wanted.set()
        assert (first.result(10), second.result(10), made) == ("the mail", "the mail", [1])


def test_waiting_in_vain_names_its_subject(scene: Scene) -> None:
    with pytest.raises(CheckFailed, match="in vain for rain"):
        scene.wait_for("rain", lambda: None, timeout=0)


def test_what_failed_once_fails_again_without_being_tried(scene: Scene) -> None:
    tries: list[int] = []

    def fail() -> str:
        tries.append(1)
        raise CheckFailed("no")

    for _ in range(2):
        with pytest.raises(CheckFailed, match="no"):
            scene.remember("x", fail)
    assert len(tries) == 1
