from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.lab.guest import AgentGone, GuestAgent
from mailnix.lab.signs import Signs, Thread
from mailnix.lab.waiting import LONGEST_PAUSE, STRETCH, Clock, Wait, attempts


class FakeTime:
    def __init__(self) -> None:
        self.time = 100.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


def test_no_time_at_all_still_means_one_attempt() -> None:
    assert list(attempts(0, FakeTime().clock)) == [0.0]


def test_attempts_end_when_the_time_is_over_with_a_last_look() -> None:
    fake = FakeTime()
    lefts = list(attempts(10, fake.clock))
    assert lefts[0] == 10
    assert lefts[-1] == 0
    assert fake.time == 110


def test_pauses_grow_up_to_a_limit() -> None:
    fake = FakeTime()
    list(attempts(30, fake.clock))
    assert fake.pauses[0] < 0.05
    assert fake.pauses[:10] == sorted(fake.pauses[:10])
    assert max(fake.pauses) == LONGEST_PAUSE


def test_who_waits_long_asks_less_often() -> None:
    fake = FakeTime()
    list(attempts(200, fake.clock, patience=0.05))
    assert fake.pauses[:10] == sorted(fake.pauses[:10])
    assert 4 < max(fake.pauses) <= 200 * 0.05


BOOT = 300.0  # seconds, as a boot is waited for


def waited(fake: FakeTime, signs: Callable[[], Signs]) -> float:
    """How long a wait in vain for a boot takes."""
    wait = Wait(BOOT, fake.clock, signs)
    list(wait.attempts())
    return wait.waited()


def printing(fake: FakeTime, until: float) -> Callable[[], Signs]:
    return lambda: Signs(printed=int(min(fake.time, 100 + until)))


def computing(fake: FakeTime, ran: float, stood: float) -> Callable[[], Signs]:
    """A machine one of whose threads runs for a share of the time and stands in line for another."""
    return lambda: Signs(threads={7: Thread(ran * fake.time, stood * fake.time), 8: Thread(0, 0)})


def test_a_machine_that_prints_is_waited_for() -> None:
    """A busy two-core machine: 300 s were over while its console said `start running (3min 16s)`."""
    fake = FakeTime()
    assert waited(fake, printing(fake, until=1000)) == pytest.approx(1000 + BOOT, abs=5)


def test_a_machine_that_computes_is_waited_for_up_to_a_ceiling() -> None:
    fake = FakeTime()
    assert waited(fake, computing(fake, ran=0.9, stood=0.0)) == pytest.approx(STRETCH * BOOT, abs=1)


def test_a_machine_that_others_keep_from_computing_is_waited_for() -> None:
    fake = FakeTime()
    assert waited(fake, computing(fake, ran=0.1, stood=0.8)) == pytest.approx(STRETCH * BOOT, abs=1)


def test_a_machine_that_idles_is_given_up_in_time() -> None:
    fake = FakeTime()
    assert waited(fake, computing(fake, ran=0.05, stood=0.1)) == pytest.approx(BOOT, abs=1)


def test_a_short_wait_sees_that_something_moves_too() -> None:
    fake = FakeTime()
    wait = Wait(2.0, fake.clock, printing(fake, until=9))
    list(wait.attempts())
    assert wait.waited() > 9


def test_an_agent_is_waited_for_while_its_machine_boots(tmp_path: Path) -> None:
    fake = FakeTime()
    agent = GuestAgent(tmp_path / "none", wait=lambda timeout: Wait(timeout, fake.clock, printing(fake, until=500)))
    with pytest.raises(AgentGone, match=r"no answer within (79\d|80\d) s"):
        agent.ping(BOOT)
