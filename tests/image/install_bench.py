"""A machine that is started from a medium: loop devices for its disks, terminals for its consoles."""

from __future__ import annotations

import os
import pty
import select
import shutil
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

from mailnix.image.beside import SUMS, WRITER
from mailnix.image.bootstrap import script
from mailnix.image.iso import SETTINGS
from mailnix.run import Spawned
from tests.image.bench import Bench

PATIENCE = 60.0  # seconds
QUESTION = "(empty: write nothing): "
AGAIN = "Type again, restart or off:"
TABLE = "00000007-0000-0000-0000-000000000000"
"""The id of the benches' image's partition table, somewhere else."""


@define
class Console:
    """A terminal of which somebody sees what is shown, and on which they type."""

    there: int
    here: int
    shown: str = ""
    read: int = field(default=0)

    def wait(self, words: str) -> str:
        """What is shown from the last wait on, up to these words."""
        end = time.monotonic() + PATIENCE
        while (place := self.shown.find(words, self.read)) < 0:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.here], [], [], left)[0]:
                pytest.fail(f"waited for {words!r}:\n{self.shown}", pytrace=False)
            self.shown += os.read(self.here, 4096).decode(errors="replace")
        said, self.read = self.shown[self.read : place], place + len(words)
        return said

    def type(self, line: str) -> None:
        os.write(self.here, f"{line}\n".encode())


@define
class Machine:
    """What a medium is started on: its disks, and who sits in front of its consoles."""

    bench: Bench
    medium: Path
    screen: Console
    serial: Console
    left: Path

    def settings(self, serial: str = "", disk_id: str = TABLE) -> None:
        unasked = f"disk_serial={serial}\n" if serial else ""
        (self.medium / SETTINGS).write_text(f"machine=proxy\ndisk_id={disk_id}\n{unasked}")

    def start(self, command_line: str = "quiet") -> list[str]:
        """What the live system runs."""
        (self.bench.folder / "cmdline").write_text(f"{command_line}\n")
        consoles = [os.ttyname(console.there) for console in (self.screen, self.serial)]
        path = f"PATH={self.bench.env['PATH']}"
        return ["env", path, "sh", str(self.medium / "install.sh"), str(self.bench.folder / "cmdline"), *consoles]

    @property
    def end(self) -> str:
        """How it was left: `reboot -f`, `poweroff -f`; nothing while it is not."""
        return self.left.read_text().strip() if self.left.exists() else ""

    def wait(self, installer: Spawned) -> str:
        installer.wait(PATIENCE)
        return self.end


@contextmanager
def machine_on(bench: Bench) -> Iterator[Machine]:
    """One with a medium that installs `proxy`."""
    medium, left = bench.folder / "medium", bench.folder / "left"
    medium.mkdir()
    shutil.move(bench.image("proxy.raw.gz"), medium)
    shutil.move(bench.folder / SUMS, medium)
    (medium / "install.sh").write_text(script("install"))
    (medium / WRITER).write_text(script("write-disk"))
    for name in ("reboot", "poweroff"):
        bench.program(name, f'#!/bin/sh\necho "{name} $*" > {left}\n')
    ends = [pty.openpty() for _ in range(2)]
    for here, _ in ends:
        tty.setcbreak(here)
    screen, serial = (Console(there, here) for here, there in ends)
    made = Machine(bench, medium, screen, serial, left)
    made.settings()
    yield made
    for pair in ends:
        for end in pair:
            os.close(end)
