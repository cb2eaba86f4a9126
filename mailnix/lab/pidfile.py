"""Which process is a machine's QEMU: written down, so that another `mailnix` can end exactly that process.

A process id alone may have passed to a stranger; the kernel's start time of the process (proc_pid_stat(5), field 22)
tells them apart.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from attrs import asdict, frozen

PROC = Path("/proc")


@frozen
class ProcessRecord:
    """A process, recognised by its id, the time it started (clock ticks since boot) and a word of its argv."""

    pid: int
    started: int
    word: str


def record(pid: int, word: str, proc: Path = PROC) -> ProcessRecord | None:
    """What identifies the running process `pid`; None where it is gone already."""
    started = _started(pid, proc)
    return None if started is None else ProcessRecord(pid, started, word)


def write(path: Path, entry: ProcessRecord) -> None:
    """Keep the record in a file."""
    path.write_text(json.dumps(asdict(entry)) + "\n")


def read(path: Path) -> ProcessRecord | None:
    """The record in a file; None where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text())
        return ProcessRecord(int(found["pid"]), int(found["started"]), str(found["word"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_running(entry: ProcessRecord, proc: Path = PROC) -> bool:
    """Whether exactly that process still runs (a zombie does not)."""
    if _started(entry.pid, proc) != entry.started:
        return False
    try:
        words = (proc / str(entry.pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # Empty for a moment while the process turns into another program (execve): the start time stays the same then.
    return words == [b""] or entry.word.encode() in words


def end(entry: ProcessRecord, *, now: bool = False, grace: float = 5.0) -> None:
    """End it: ask first and wait for `grace` seconds, or kill it `now`."""
    for number in (signal.SIGKILL,) if now else (signal.SIGTERM, signal.SIGKILL):
        if not is_running(entry):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(entry.pid, number)
        deadline = time.monotonic() + grace
        while is_running(entry) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(entry.pid, os.WNOHANG)
            time.sleep(0.01)


def _started(pid: int, proc: Path) -> int | None:
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may itself hold spaces and parentheses; what follows the last one is regular.
    state, *rest = text.rpartition(")")[2].split()
    return None if state == "Z" else int(rest[18])
