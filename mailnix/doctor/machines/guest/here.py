"""The machine that is asked: its files and programs, with an end to how long and how much is read.

Nothing is written. Programs may print anything: bytes that are no text, nothing, gigabytes.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/wrappers/bin:/run/current-system/sw/bin"
"""Both systems' usual places: sudo and SSH give less."""

SECONDS = 20.0
"""For a program that asks something nearby; a machine that is busy takes seconds to start one."""

MOST = 4 * 2**20
"""Bytes that are read of a program or a file; a Mailcow's containers take 200 kB to describe."""


_running: set[subprocess.Popen[bytes]] = set()


class CouldNotAsk(Exception):
    """One clear sentence about why there is no answer."""


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last thing that it said of its errors."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1][:200] if lines else f"status {self.status}"


@dataclass(frozen=True)
class Here:
    """`root` is where the file system begins, `path` where programs are, `now` a clock in seconds since 1970."""

    root: Path = Path("/")
    path: str = field(default_factory=lambda: f"{os.environ.get('PATH', '')}:{PATH}")
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def at(self, path: str) -> Path:
        """A path of this machine."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """What a file says; raises OSError."""
        with self.at(path).open("rb") as file:
            return file.read(MOST).decode(errors="replace")

    def ask(self, *argv: str, stdin: bytes = b"", within: float = SECONDS) -> str:
        """What a program prints; raises CouldNotAsk where it fails."""
        done = self.run(*argv, stdin=stdin, within=within)
        if done.status != 0:
            raise CouldNotAsk(f"{argv[0]} failed: {done.last}")
        return done.out

    def run(self, *argv: str, stdin: bytes = b"", within: float = SECONDS) -> Done:
        """Run a program to its end; raises CouldNotAsk where there is none, or where it takes or prints too much."""
        environment = {**os.environ, "PATH": self.path, "LC_ALL": "C.UTF-8"}
        try:
            process = subprocess.Popen(
                argv,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise CouldNotAsk(f"{argv[0]} is not to be had: {error.strerror}") from None
        _running.add(process)
        try:
            out, err = _read(process, stdin, time.monotonic() + within)
            return Done(process.wait(max(0.1, within)), out.decode(errors="replace"), err.decode(errors="replace"))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise CouldNotAsk(f"{argv[0]} took longer than {within:.0f} seconds") from None
        finally:
            _end(process)


def _read(process: subprocess.Popen[bytes], stdin: bytes, end: float) -> tuple[bytes, bytes]:
    """What it prints on both streams, until it closes them; raises TimeoutError, CouldNotAsk."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    read = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in read:
            selector.register(stream, selectors.EVENT_READ)
        _write(process, stdin)
        while selector.get_map():
            left = end - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise TimeoutError
            for key, _events in ready:
                got = os.read(key.fd, 1 << 16)
                kept = read[key.fileobj]  # type: ignore[index]
                kept += got
                if not got:
                    selector.unregister(key.fileobj)
                if len(kept) > MOST:
                    raise CouldNotAsk(f"{process.args[0]!s} prints more than {MOST >> 20} MiB")  # type: ignore[index]
    return bytes(read[process.stdout]), bytes(read[process.stderr])


def _write(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    """What we say fits into a pipe, or is read at once: rules of a firewall, a statement."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(stdin)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of it and of what it started."""
    _running.discard(process)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def end_all() -> None:
    """Kill whatever programs are still at work: we leave."""
    for process in tuple(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
