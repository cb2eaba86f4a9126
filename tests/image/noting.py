"""A runner that notes what it is asked for, and does some of it in a way of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, field

from mailnix.errors import CommandFailed
from mailnix.run import Completed, run

OnLine = Callable[[str], None]


@define
class Noting:
    """Programs that are no `instead` are really run."""

    argvs: list[list[str]] = field(factory=list)

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
        words = [str(word) for word in argv]
        self.argvs.append(words)
        if self.instead(words, cwd, on_line):
            return Completed(tuple(words), 0, "", "")
        return run(words, cwd=cwd, env=env, stdin=stdin, timeout=timeout, check=check, on_line=on_line, hint=hint)

    def instead(self, words: list[str], cwd: Path | None, on_line: OnLine | None) -> bool:
        """Whether that was done here."""
        raise NotImplementedError

    def ran(self, name: str) -> int:
        """How often the program `name` was run."""
        return sum(Path(argv[0]).name == name for argv in self.argvs)


def fail(words: list[str], lines: Sequence[str], on_line: OnLine | None) -> None:
    """End as a program does that says these lines."""
    if on_line:
        for line in lines:
            on_line(line)
    raise CommandFailed(words, 1, "\n".join(lines))
