"""write-disk.sh and a signal: its status is 3 where something was written, and 1 where nothing was."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from mailnix.run import run
from tests.image.bench import BROKEN, LOST, NOTHING_WRITTEN, WRITER, Bench

# Whoever starts the tests in the background ignores SIGINT, and a shell cannot trap what was ignored (POSIX, trap).
START = ("env", "--default-signal=INT,TERM,HUP", "sh", str(WRITER))
BY_PERSONS = signal.SIGINT
SIGNALS = (BY_PERSONS, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def begun(bench: Bench) -> Path:
    """Where a stand-in says that it has been called."""
    os.mkfifo(bench.folder / "begun")
    return bench.folder / "begun"


@pytest.fixture
def goes_on(bench: Bench) -> Path:
    """What a stand-in waits for that lets signals pass; it has a line in it after one was sent."""
    pipe = bench.folder / "on"
    os.mkfifo(pipe)
    return pipe


def interrupt(number: signal.Signals, bench: Bench, begun: Path, goes_on: Path | None = None) -> tuple[int, str]:
    """Write, and interrupt all of it as a terminal does when `begun` is; gives the status, and what is told."""
    words = [*START, "--serial", "S", str(bench.folder / "proxy.raw")]
    with subprocess.Popen(words, env=bench.env, stderr=subprocess.PIPE, text=True, start_new_session=True) as writer:
        begun.read_text()
        os.killpg(writer.pid, number)
        if goes_on is not None:
            held = os.open(goes_on, os.O_RDWR)  # also where nobody waits any more
            os.write(held, b"\n")
        _, told = writer.communicate(timeout=60)
        if goes_on is not None:
            os.close(held)
    return writer.returncode, told


@pytest.mark.parametrize("number", SIGNALS)
def test_who_interrupts_it_while_it_writes_is_told_what_the_disk_holds(
    bench: Bench, begun: Path, number: signal.Signals
) -> None:
    disk, _ = bench.disk("disk", serial="S"), bench.image()
    writing = f"case $* in *of=*) echo > {begun}; exec tail -f /dev/null ;; esac"
    bench.program("dd", f'#!/bin/sh\n{writing}\nexec /bin/dd "$@"\n')
    status, told = interrupt(number, bench, begun)
    assert (status, f"interrupted: /dev/{disk.name} {LOST}" in told) == (BROKEN, True)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interruption_before_that_writes_nothing_and_says_so(
    bench: Bench, begun: Path, number: signal.Signals
) -> None:
    disk, _ = bench.disk("disk", serial="S"), bench.image()
    untouched = disk.digest
    bench.program("sha256sum", f"#!/bin/sh\necho > {begun}\nexec tail -f /dev/null\n")
    status, told = interrupt(number, bench, begun)
    assert (status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert "interrupted; nothing was written" in told


@pytest.mark.parametrize("number", SIGNALS)
def test_what_the_first_program_that_writes_has_done_decides(
    bench: Bench, begun: Path, goes_on: Path, number: signal.Signals
) -> None:
    """Which wipefs is: a signal must neither stop it half way, nor be taken for one of a disk that was written."""
    disk, _ = bench.disk("disk", serial="S"), bench.image()
    untouched = disk.digest
    bench.program("wipefs", f"#!/bin/sh\necho > {begun}\nread -r _ < {goes_on}\nexit 1\n")
    status, told = interrupt(number, bench, begun, goes_on)
    assert (status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert "nothing was written" in told


def test_an_interruption_while_old_signatures_go_is_heeded_when_they_are_gone(
    bench: Bench, begun: Path, goes_on: Path
) -> None:
    disk, _ = bench.disk("disk", serial="S"), bench.image()
    run(["mkfs.ext4", "-q", "-F", disk.device])
    real = run(["sh", "-c", "PATH=$PATH:/usr/sbin:/sbin command -v wipefs"]).stdout.strip()
    bench.program("wipefs", f'#!/bin/sh\necho > {begun}\nread -r _ < {goes_on}\nexec {real} "$@"\n')
    status, told = interrupt(BY_PERSONS, bench, begun, goes_on)
    assert (status, f"interrupted: /dev/{disk.name} {LOST}" in told) == (BROKEN, True)
    assert run(["wipefs", disk.device]).stdout == ""


def test_who_interrupts_the_question_has_written_nothing(bench: Bench) -> None:
    disk, image = bench.disk("disk"), bench.image()
    untouched = disk.digest
    with subprocess.Popen(
        [*START, str(image)],
        env=bench.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as writer:
        assert writer.stdout is not None
        seen = b""
        while not seen.endswith(b"write nothing): ") and (more := os.read(writer.stdout.fileno(), 4096)):
            seen += more
        os.killpg(writer.pid, BY_PERSONS)
        _, told = writer.communicate(timeout=60)
    assert (writer.returncode, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert b"interrupted; nothing was written" in told


def test_it_is_finished_also_where_a_signal_comes_when_the_disk_holds_the_image(
    bench: Bench, begun: Path, goes_on: Path
) -> None:
    disk, _ = bench.disk("disk", serial="S"), bench.image()
    real = run(["sh", "-c", "PATH=$PATH:/usr/sbin:/sbin command -v sfdisk"]).stdout.strip()
    bench.program("sfdisk", f'#!/bin/sh\necho > {begun}\nread -r _ < {goes_on}\nexec {real} "$@"\n')
    status, told = interrupt(BY_PERSONS, bench, begun, goes_on)
    assert (status, told.count("write-disk:")) == (0, 0)
    assert disk.file.read_bytes()[-512:].startswith(b"EFI PART")


@pytest.mark.parametrize(("writes", "status"), [('exec /bin/dd "$@" 2> /dev/null', 0), ("exit 1", BROKEN)])
def test_the_status_is_the_same_where_nobody_hears_any_more(bench: Bench, writes: str, status: int) -> None:
    bench.disk("disk", serial="S")
    bench.program("dd", f'#!/bin/sh\ncase $* in *of=*) {writes} ;; esac\nexec /bin/dd "$@"\n')
    image = bench.image()
    quiet = 'exec "$@" > /dev/full 2> /dev/full'
    ended = run(["sh", "-c", quiet, "sh", *START, "--serial", "S", image], env=bench.env, check=False)
    assert ended.status == status
