"""Boot times, memory and sizes are read as the programs print them."""

from __future__ import annotations

import pytest

from tests.parity.cost import Cost, read, seconds, table
from tests.parity.facts import Unanswered

SAID = """\
Startup finished in 3.612s (kernel) + 1min 2.5s (initrd) + 2min 10.043s (userspace) = 3min 16.155s
graphical.target reached after 2min 9.9s in userspace.
MemTotal:         464992 kB
MemAvailable:     258144 kB
used 1073741824
"""


def test_what_a_machine_costs_is_read() -> None:
    found = read(SAID)
    assert found.boot == pytest.approx(196.155)
    assert found.kernel == pytest.approx(66.112)
    assert (found.memory, found.disk) == (202.0, 1024.0)


def test_a_boot_without_an_initrd_is_read() -> None:
    assert read(SAID.replace(" + 1min 2.5s (initrd)", "")).kernel == pytest.approx(3.612)


def test_a_boot_that_has_not_ended_is_none() -> None:
    with pytest.raises(Unanswered, match="not yet finished"):
        read("Bootup is not yet finished (org.freedesktop.systemd1.Manager.FinishTimestampMonotonic=0).\n")


@pytest.mark.parametrize(("text", "wanted"), [("1h 1min 1.5s", 3661.5), ("120ms", 0.12), ("2min", 120.0)])
def test_times_are_read_as_systemd_says_them(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted)


def test_both_systems_stand_side_by_side() -> None:
    text = table({"proxy": Cost(100, 10, 200, 900)}, {"proxy": Cost(90, 10, 180, 1100)})
    assert "| proxy | memory in use when idle | 200 MiB | 180 MiB |\n" in text
