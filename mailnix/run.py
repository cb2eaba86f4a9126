"""The one door to other programs: nothing else in mailnix imports `subprocess`.

`run` waits for a program and gives back what it printed; `spawn` starts one that lives as long as its `with` block.
Both put the program into a process group of its own and end the whole group on errors, time-outs and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from attrs import define, frozen

from mailnix.errors import CommandFailed, ToolMissing

KEPT_LINES = 40
GROUP_POLL = 0.005  # seconds
LEFT = 0.5  # seconds for what is yet to be heard of a program that has ended and left something running
OnLine = Callable[[str], None]

_waited_for: set[subprocess.Popen[bytes]] = set()
"""What `run` waits for in any thread. Ctrl-C interrupts the main one alone, which must be able to end the rest."""


@frozen
class Completed:
    """What a program printed, and its exit status."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """How code asks for a program to be run; tests pass a fake."""

    def __call__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        check: bool = True,
        on_line: OnLine | None = None,
        hint: str = "",
    ) -> Completed:
        """Run argv to its end; see `run`."""
        ...


def require(tool: str, package: str) -> str:
    """Where `tool` is; raises ToolMissing naming the Debian `package` that has it."""
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise ToolMissing(tool, package)
    return path


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    check: bool = True,
    on_line: OnLine | None = None,
    hint: str = "",
    leave: bool = False,
) -> Completed:
    """Run a program to its end.

    `env` is added to ours; `timeout` is in seconds; `on_line` gets each line of stderr as it comes (for progress).
    `leave`: what it started may go on after it has ended with 0, and what that prints from then on is not waited for.
    Raises CommandFailed where the status is not 0 (unless `check` is false) or time runs out, ToolMissing where the
    program does not exist.
    """
    words = tuple(os.fspath(word) for word in argv)
    process = _start(words, cwd, env, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
    out: list[str] = []
    err: list[str] = []
    readers: list[threading.Thread] = []
    _waited_for.add(process)
    try:
        readers += [_reader(process.stdout, out, None), _reader(process.stderr, err, on_line)]
        if stdin is not None:
            readers.append(_writer(process.stdin, stdin))
        status: int | None = process.wait(timeout)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _waited_for.discard(process)
        left = leave and process.returncode == 0
        if not left:
            end_group(process)
        _heard(process, readers, LEFT if left else None)
    if status is None or (check and status != 0):
        raise CommandFailed(words, status, "".join((err or out)[-KEPT_LINES:]), hint)
    return Completed(words, status, "".join(out), "".join(err))


def _heard(process: subprocess.Popen[bytes], workers: Sequence[threading.Thread], seconds: float | None) -> None:
    """Wait for what is left to hear, and close what nobody works on any more."""
    for worker in workers:
        worker.join(seconds)
    if any(worker.is_alive() for worker in workers):
        return  # a close would wait for them; they end with what holds the other end of the pipe
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def end_all() -> None:
    """End every program that `run` waits for in any thread; each of them fails there with CommandFailed."""
    for process in tuple(_waited_for):
        end_group(process)


@define
class Spawned:
    """A program that is running; `log` has what it prints."""

    process: subprocess.Popen[bytes]
    argv: tuple[str, ...]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group."""
        return self.process.pid

    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self.process.poll()

    def wait(self, timeout: float) -> int | None:
        """Wait for its end for up to `timeout` seconds; None where it still runs."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None


def start(argv: Sequence[str | os.PathLike[str]], log: Path, *, cwd: Path | None = None) -> Spawned:
    """Start a program that outlives this call; what it prints goes to `log`. The caller ends it with `end`."""
    words = tuple(os.fspath(word) for word in argv)
    with log.open("ab") as sink:
        process = _start(words, cwd, None, stdin=subprocess.DEVNULL, out=sink)
    return Spawned(process, words, log)


@contextlib.contextmanager
def spawn(argv: Sequence[str | os.PathLike[str]], log: Path, *, cwd: Path | None = None) -> Iterator[Spawned]:
    """Start a program that lives as long as the `with` block; what it prints goes to `log`."""
    spawned = start(argv, log, cwd=cwd)
    try:
        yield spawned
    finally:
        end(spawned)


def end(spawned: Spawned) -> None:
    """End a spawned program and everything it started."""
    end_group(spawned.process)


def end_group(process: subprocess.Popen[bytes], grace: float = 5.0) -> None:
    """Ask what is left of a process group to stop, wait up to `grace` seconds, kill it; returns when it is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        _wait_for_group(process, grace)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)


def _wait_for_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """Wait until no process of the group is left; only the first of them is our child, so the others are looked for."""
    end = time.monotonic() + grace
    while time.monotonic() < end:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(GROUP_POLL)


def _start(
    words: tuple[str, ...], cwd: Path | None, env: Mapping[str, str] | None, *, stdin: int, out: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    pipe: int | IO[bytes] = subprocess.PIPE if out is None else out
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            stdin=stdin,
            stdout=pipe,
            stderr=pipe if out is None else subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ToolMissing(words[0], words[0].rsplit("/", 1)[-1]) from None


def _writer(stream: IO[bytes] | None, data: bytes) -> threading.Thread:
    """Write beside what waits: a program that does not read would hold the writer for ever."""

    def write() -> None:
        if stream is None:
            return
        with contextlib.suppress(BrokenPipeError):
            stream.write(data)
        with contextlib.suppress(BrokenPipeError):
            stream.close()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def _reader(stream: IO[bytes] | None, lines: list[str], on_line: OnLine | None) -> threading.Thread:
    def read() -> None:
        if stream is None:
            return
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
