"""A live system that needs no Debian: files that are named as its own, made where mmdebstrap would."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, field

from mailnix.errors import CommandFailed
from mailnix.image.live import COLLECTED, FILES
from mailnix.run import Completed, run

SYNC = f"--customize-hook=sync-out {COLLECTED} "
CORE = 40_000
"""Bytes of GRUB's image for the BIOS: xorrisofs writes into it where it lies."""


def content(name: str) -> bytes:
    """What is in a file of it."""
    return (name.encode() * CORE)[:CORE] if name == "eltorito.img" else name.encode().ljust(512, b".")


@define
class Debian:
    """A runner that makes the live system without mmdebstrap, but for the files it is to forget; the rest is real."""

    argvs: list[list[str]] = field(factory=list)
    forgets: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()

    def __call__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        timeout: float | None = None,
        check: bool = True,
        on_line: Callable[[str], None] | None = None,
        hint: str = "",
    ) -> Completed:
        words = [str(word) for word in argv]
        self.argvs.append(words)
        if words[0] != "mmdebstrap":
            return run(words, cwd=cwd, env=env, stdin=stdin, timeout=timeout, check=check, on_line=on_line, hint=hint)
        if self.fails:
            assert on_line is not None
            for line in self.fails:
                on_line(line)
            raise CommandFailed(words, 1, "\n".join(self.fails))
        (hook,) = (word for word in words if word.startswith(SYNC))
        (out,) = shlex.split(hook.removeprefix(SYNC))
        for name in set(FILES) - set(self.forgets):
            (Path(out) / name).write_bytes(content(name))
        return Completed(tuple(words), 0, "", "")

    def ran(self, name: str) -> int:
        """How often the program `name` was run."""
        return sum(argv[0] == name for argv in self.argvs)
