"""Somebody else uses dpkg: unattended-upgrades at night, or a server that has just been switched on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.run import Spawned, end, start
from mailnix.services.generations.guest import dpkg_lock, verbs
from mailnix.services.generations.guest.world import Refused
from rig import until
from tests.services.generations.scratch import Scratch

HOLDS = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(600)"


@pytest.fixture(params=dpkg_lock.LOCKS)
def held(request: pytest.FixtureRequest, running: Scratch, tmp_path: Path) -> Iterator[Spawned]:
    path = running.root / request.param
    path.touch()
    holder = start([sys.executable, "-c", HOLDS, path], tmp_path / "log")
    try:
        until(lambda: dpkg_lock.holder(running.root) != "", "somebody has the lock")
        yield holder
    finally:
        end(holder)


def test_it_is_waited_for_and_said_who_it_is(
    running: Scratch, held: Spawned, capsys: pytest.CaptureFixture[str]
) -> None:
    late = running.sleep

    def sleep(seconds: float) -> None:
        late(seconds)
        if running.clock > 1200:
            end(held)

    running.clock, running.sleep = 1000.0, sleep  # type: ignore[method-assign]
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("waiting for ")]
    assert len(said) == 4  # one a minute
    assert f"(process {held.pid}), which uses dpkg" in said[0]


def test_what_takes_too_long_is_named_and_nothing_is_changed(running: Scratch, held: Spawned) -> None:
    with pytest.raises(Refused, match=rf"\(process {held.pid}\) has been using dpkg for 10 minutes: .*nothing was"):
        verbs.switch(running, 2, 60, "a")
    assert running.state.pending is None
    assert running.whole()


def test_a_machine_without_a_lock_has_nobody_who_holds_it(tmp_path: Path) -> None:
    assert dpkg_lock.holder(tmp_path) == ""
