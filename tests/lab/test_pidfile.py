import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import run
from mailnix.lab import pidfile
from mailnix.lab.pidfile import ProcessRecord

WORD = "import time; time.sleep(600)"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[run.Spawned]:
    with run.spawn([sys.executable, "-c", WORD], tmp_path / "log") as spawned:
        yield spawned


def recorded(sleeper: run.Spawned) -> ProcessRecord:
    entry = pidfile.record(sleeper.pid, WORD)
    assert entry is not None
    return entry


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    entry = ProcessRecord(12, 345, "socket,id=qmp,path=/x")
    pidfile.write(tmp_path / "pid", entry)
    assert pidfile.read(tmp_path / "pid") == entry


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": "x"}', "null"])
def test_a_file_that_says_nothing_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert pidfile.read(tmp_path / "pid") is None
    assert pidfile.read(tmp_path / "missing") is None


def test_a_running_process_is_ended_at_once(sleeper: run.Spawned) -> None:
    entry = recorded(sleeper)
    assert pidfile.is_running(entry)
    pidfile.end(entry, now=True)
    assert not pidfile.is_running(entry)


def test_a_running_process_is_ended_when_asked(sleeper: run.Spawned) -> None:
    entry = recorded(sleeper)
    pidfile.end(entry)
    assert not pidfile.is_running(entry)


def test_a_stranger_with_the_same_pid_is_left_alone(sleeper: run.Spawned) -> None:
    entry = recorded(sleeper)
    reused = ProcessRecord(entry.pid, entry.started - 1, entry.word)
    other_word = ProcessRecord(entry.pid, entry.started, "socket,id=qmp,path=/other")
    for stranger in (reused, other_word):
        assert not pidfile.is_running(stranger)
        pidfile.end(stranger, now=True)
    assert pidfile.is_running(entry)


def test_a_name_with_spaces_and_parentheses_is_read_past(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "stat").write_text("7 (a) R (b) S " + " ".join(str(number) for number in range(1, 49)))
    (folder / "cmdline").write_bytes(b"qemu\0word\0")
    assert pidfile.record(7, "word", tmp_path) == ProcessRecord(7, 19, "word")
    assert pidfile.is_running(ProcessRecord(7, 19, "word"), tmp_path)


def test_a_process_that_is_gone_has_no_record() -> None:
    assert pidfile.record(os.getpid(), "x") is not None
    assert pidfile.record(2**22 + 1, "x") is None


def test_a_process_that_is_turning_into_another_program_still_runs(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "stat").write_text("7 (setpriv) R " + " ".join(str(number) for number in range(1, 49)))
    (folder / "cmdline").write_bytes(b"")
    assert pidfile.is_running(ProcessRecord(7, 19, "word"), tmp_path)


def test_a_zombie_does_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "stat").write_text("7 (qemu) Z " + " ".join(str(number) for number in range(1, 49)))
    (folder / "cmdline").write_bytes(b"")
    assert not pidfile.is_running(ProcessRecord(7, 19, "word"), tmp_path)
