"""Somebody's terminal: a shell on a tty of its own, in which commands are typed and questions answered."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import define, field

from mailnix.lab.console import plain
from mailnix.lab.waiting import attempts

ROWS, COLUMNS = 24, 80
SOON: Final = 60.0  # seconds for a shell to start
PROMPT: Final = "[$?] $ "
ASKS_FOR_MORE: Final = re.compile(r"\[(\d+)\] \$ $")


@define
class Terminal:
    """What the shell shows comes by the file descriptor `tty`."""

    tty: int
    _shown: bytes = field(default=b"", init=False)

    @property
    def screen(self) -> str:
        """All that it has shown so far."""
        with contextlib.suppress(BlockingIOError):
            self._shown += os.read(self.tty, 1 << 16)
        return plain(self._shown)

    def type(
        self, command: str, looks: Iterable[object], answers: Mapping[str, str] | None = None, status: int = 0
    ) -> str:
        """Type a command and answer what it asks; gives what was seen until the shell asked for another one.

        `answers` are what is typed where the screen ends with a question. It is looked at as often as `looks` has
        something; raises AssertionError where that was not enough, or the command ends with another status.
        """
        begin = answered = len(self.screen)
        self._enter(command)
        for _ in looks:
            shown = self.screen
            if ended := ASKS_FOR_MORE.search(shown, begin):
                said = shown[begin : ended.start()]
                assert int(ended[1]) == status, said
                return said
            for question, answer in (answers or {}).items():
                if shown.endswith(question) and len(shown) > answered:
                    answered = len(shown)
                    self._enter(answer)
        raise AssertionError(f"{command} does not end:\n{self.screen[begin:]}")

    def _enter(self, line: str) -> None:
        os.write(self.tty, f"{line}\n".encode())


@contextlib.contextmanager
def opened(folder: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """One whose shell is in `folder`, with this `env` beside ours; it hangs up at the end of the block."""
    child, tty = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("sh", ["sh", "-i"], {**os.environ, **env, "PS1": PROMPT, "TERM": "dumb"})
    try:
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.set_blocking(tty, False)
        terminal = Terminal(tty)
        for _ in attempts(SOON):
            if ASKS_FOR_MORE.search(terminal.screen):
                break
        yield terminal
    finally:
        os.close(tty)  # what runs there gets SIGHUP
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
