from mailnix.lab.waiting import LONGEST_PAUSE, Clock, attempts


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
