"""A nix that answers as the real one does, and builds nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mailnix.errors import CommandFailed
from mailnix.run import Completed

DRV = "/nix/store/0123-proxy.drv"


class FakeNix:
    """Answers as nix does; `errors` maps a sub-command to what it complains about."""

    def __init__(self, version: str = "nix (Nix) 2.26.3", errors: dict[str, str] | None = None) -> None:
        self.version, self.errors = version, errors or {}
        self.commands: list[list[str]] = []

    def __call__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
        **_options: Any,
    ) -> Completed:
        words = [str(word) for word in argv]
        self.commands.append(words)
        if words[0] == "qemu-img":
            Path(words[-1]).write_bytes(b"converted " + Path(words[-2]).read_bytes())
            return Completed(tuple(words), 0, "", "")
        if words[1] in self.errors:
            raise CommandFailed(words, 1, self.errors[words[1]])
        return Completed(tuple(words), 0, self._answer(words, on_line), "")

    def _answer(self, words: list[str], on_line: Callable[[str], None] | None) -> str:
        match words[1]:
            case "--version":
                return self.version + "\n"
            case "eval":
                return DRV if "--raw" in words else "1\n"
            case "build":
                assert (Path(words[2].removeprefix("path:").split("#")[0]) / "flake.nix").exists()
                link = Path(words[words.index("--out-link") + 1])
                link.mkdir()
                (link / "proxy.raw").write_bytes(b"disk")
                assert on_line is not None
                on_line("building the image")
                return ""
        raise AssertionError(words)
