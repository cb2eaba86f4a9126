"""Looking at machines from outside, in a /proc made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.lab.machine import Machine, acquaint, paths_for
from mailnix.lab.signs import FRESH, SLOWEST, Pace, Signs, Thread, read, slowness, together
from mailnix.lab.spec import MachineSpec


def thread(proc: Path, pid: int, id: int, ran: float, stood: float) -> None:
    folder = proc / str(pid) / "task" / str(id)
    folder.mkdir(parents=True)
    (folder / "schedstat").write_text(f"{int(ran * 1e9)} {int(stood * 1e9)} 12\n")


def test_every_thread_is_seen_with_what_it_ran_and_stood_in_line(tmp_path: Path) -> None:
    thread(tmp_path, 5, 5, 1.5, 0.5)
    thread(tmp_path, 5, 6, 20.0, 60.0)
    (tmp_path / "console").write_text("12345")
    found = read(5, tmp_path / "console", tmp_path)
    assert found == Signs(5, {5: Thread(1.5, 0.5), 6: Thread(20.0, 60.0)})
    assert found.busiest().wanted == 80


def test_what_is_not_there_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "5" / "task" / "6").mkdir(parents=True)  # a thread that ends while it is looked at
    for pid in (None, 4, 5):
        assert read(pid, tmp_path / "console", tmp_path) == Signs()


def test_a_new_thread_begins_with_nothing() -> None:
    before, after = Signs(3, {1: Thread(1, 1)}), Signs(5, {1: Thread(2, 1), 2: Thread(7, 0)})
    assert after.since(before) == Signs(2, {1: Thread(1, 0), 2: Thread(7, 0)})


def test_a_running_machine_is_seen(machine: Machine) -> None:
    machine.paths.console_log.write_text("hello")
    seen = machine.signs()
    assert seen.printed == 5
    assert seen.busiest().wanted > 0


def test_who_waits_for_one_machine_sees_its_company_move(machine: Machine, tmp_path: Path) -> None:
    idle = Machine(MachineSpec("internet", tmp_path / "d"), paths_for("internet", tmp_path, tmp_path / "s"))
    assert idle.signs() == Signs()
    acquaint((idle, machine))
    assert idle.signs().threads


def test_several_machines_are_one_sum() -> None:
    parts = (Signs(1, {1: Thread(1, 0)}), Signs(2, {2: Thread(0, 1)}))
    assert together(parts) == Signs(3, {1: Thread(1, 0), 2: Thread(0, 1)})


def pace(*threads: Thread, processor: float = 1.0) -> Pace:
    """What is seen, one look every `FRESH` seconds."""
    looks, moments = iter(threads), iter(range(0, 1000, int(FRESH) // 2))
    return Pace(lambda: Signs(threads={1: next(looks)}), lambda: float(next(moments)), processor)


def test_machines_that_get_a_third_of_the_time_are_given_three_times_as_much() -> None:
    assert pace(Thread(10, 20))() == pytest.approx(3)


def test_machines_on_a_quiet_host_are_given_what_was_planned() -> None:
    assert pace(Thread(10, 0))() == 1


def test_a_slow_processor_counts_too() -> None:
    assert pace(Thread(10, 10), processor=1.5)() == pytest.approx(3)


def test_the_last_seconds_count_not_the_past() -> None:
    slow = pace(Thread(10, 20), Thread(20, 20), Thread(30, 20), Thread(40, 20))
    assert [slow(), slow(), slow()][-1] == pytest.approx(1)


def test_no_pace_is_endless() -> None:
    assert pace(Thread(0.001, 500))() == SLOWEST


def test_a_slow_processor_is_measured() -> None:
    moments = iter(float(number) for number in range(100))
    assert slowness(lambda: next(moments)) > 10
    assert slowness(lambda: 0.0) == 1
