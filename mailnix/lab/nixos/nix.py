"""Commands of a Nix that lives in a root of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.lab.nixos.root import LAYER
from mailnix.run import Completed, OnLine, Runner, run

SETTINGS: Final = """\
experimental-features = nix-command flakes
build-users-group =
substituters =
allow-import-from-derivation = false
warn-dirty = false
sandbox = true
sandbox-fallback = false
sandbox-paths = /usr /bin=/usr/bin /sbin=/usr/sbin /lib=/usr/lib /lib64=/usr/lib64 /etc/alternatives
"""
"""Nix's own sandbox, with Debian's programs in it, and nothing from anywhere else.

`sandbox-paths` whole: with Debian's own /bin/sh beside our /bin, Nix would empty the file that /bin/sh leads to.
"""


@frozen
class Nix:
    """Nix in `root`; `dirs` of this machine are seen there, under their own paths, and /tmp."""

    root: Path
    dirs: tuple[Path, ...] = ()
    settings: str = SETTINGS
    runner: Runner = run

    def seeing(self, dirs: Iterable[Path]) -> Nix:
        """The same with more folders."""
        return Nix(self.root, (*self.dirs, *dirs), self.settings, self.runner)

    def run(
        self, *words: str, stdin: bytes | None = None, timeout: float | None = None, on_line: OnLine | None = None
    ) -> Completed:
        """Run a command in it; raises CommandFailed where it fails."""
        seen = dict.fromkeys(str(path.resolve()) for path in (Path("/tmp"), *self.dirs))
        return self.runner(
            [
                *("unshare", "--mount", "--propagation", "private"),
                *("sh", str(LAYER / "enter.sh"), str(self.root), "/tmp", "\n".join(seen), *words),
            ],
            env={"NIX_CONFIG": self.settings},
            stdin=stdin,
            timeout=timeout,
            on_line=on_line,
        )
