"""A live system that needs no Debian: files that are named as its own, made where mmdebstrap would."""

from __future__ import annotations

import shlex
from pathlib import Path

from attrs import define

from mailnix.image.live import COLLECTED, FILES
from tests.image.noting import Noting, OnLine, fail

SYNC = f"--customize-hook=sync-out {COLLECTED} "
CORE = 40_000
"""Bytes of GRUB's image for the BIOS: xorrisofs writes into it where it lies."""


def content(name: str) -> bytes:
    """What is in a file of it."""
    return (name.encode() * CORE)[:CORE] if name == "eltorito.img" else name.encode().ljust(512, b".")


@define
class Debian(Noting):
    """Makes the live system without mmdebstrap, but for the files it is to forget; the rest is real."""

    forgets: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()

    def instead(self, words: list[str], cwd: Path | None, on_line: OnLine | None) -> bool:
        if words[0] != "mmdebstrap":
            return False
        if self.fails:
            assert on_line is not None
            fail(words, self.fails, on_line)
        (hook,) = (word for word in words if word.startswith(SYNC))
        (out,) = shlex.split(hook.removeprefix(SYNC))
        for name in set(FILES) - set(self.forgets):
            (Path(out) / name).write_bytes(content(name))
        return True
