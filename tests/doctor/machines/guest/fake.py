"""A machine in a folder: its files, and programs that say what a test has them say."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.doctor.machines.guest.here import Here

NOW: Final = 1_795_000_000.0


@frozen
class Fake:
    """`here` is how the guest's modules see it; programs that nobody has made are not there."""

    folder: Path

    @property
    def programs(self) -> Path:
        """The only folder in its PATH."""
        return self.folder / "bin"

    @property
    def here(self) -> Here:
        """It, at NOW, without waiting."""
        return Here(self.folder / "root", str(self.programs), lambda: NOW, lambda _seconds: None)

    def program(self, name: str, script: str) -> None:
        """A shell script; more than one line is all of it."""
        self.programs.mkdir(exist_ok=True)
        path = self.programs / name
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        path.chmod(0o755)

    def says(self, name: str, text: str, status: int = 0) -> None:
        """A program that prints something, whatever it is asked."""
        self.program(name, f"printf %s {shlex.quote(text)}; exit {status}")

    def file(self, path: str, text: str = "", mode: int = 0o644) -> Path:
        """One of its files."""
        place = self.folder / "root" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return place
