"""A calendar text is refused here where systemd refuses it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mailnix.model.calendar import WORDS, calendar_problem

GOOD = (
    *sorted(WORDS),
    "03:30",
    "3:05",
    "Sun 04:00",
    "Mon..Fri 02:00",
    "mon,Wednesday 5:00:30",
    "Sat",
    "*-*-01 04:00",
    "*-*-01,15 02:00",
    "*-02~01",
    "2027-01-01 00:00:00",
    "*:0/15",
    "8..18:00",
    "03:30 UTC",
    "Sun 03:30 Europe/Berlin",
)
BAD = ("24:00", "3", "0330", "03.30", "03:60", "20..10:00", "daily 03:30", "Mon Tue", "*/2:00", "13-01", "*-*-32", "x")


@pytest.mark.parametrize("text", GOOD)
def test_what_systemd_reads_passes(text: str) -> None:
    assert calendar_problem(text) is None


@pytest.mark.parametrize("text", ["", "  ", *BAD])
def test_what_systemd_refuses_is_refused(text: str) -> None:
    assert calendar_problem(text)


@pytest.mark.parametrize(("text", "good"), [*((text, True) for text in GOOD), *((text, False) for text in BAD)])
def test_systemd_itself_agrees(text: str, good: bool) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([analyze, "calendar", text], capture_output=True, check=False)
    assert (done.returncode == 0) is good
