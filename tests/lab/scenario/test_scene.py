"""What checks ask of machines goes by the machines' pace."""

from __future__ import annotations

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
