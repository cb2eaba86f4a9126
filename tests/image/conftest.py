"""A base image that needs no network: a small root, and a runner that makes it where mmdebstrap would."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from mailnix.errors import CommandFailed
from mailnix.image import Format, HostBuild
from mailnix.image.manifest import ManifestEntry
from mailnix.run import Completed, run
from tests.image.bench import Bench, bench_in
from tests.image.install_bench import Machine, machine_on


class Build(Protocol):
    """Builds machines with what a test prepared; gives the manifest's entries."""

    def __call__(
        self, *hosts: HostBuild, form: Format = ..., out: Path = ..., cache: Path = ...
    ) -> tuple[ManifestEntry, ...]:
        """Build them."""
        ...


class Builder:
    """A runner that notes every argv; instead of Debian it puts a few files into the root, the rest is real."""

    def __init__(self) -> None:
        self.argvs: list[list[str]] = []
        self.fails: dict[str, tuple[str, ...]] = {}
        self.interrupts = ""

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
                assert cwd is not None
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
        for name in ("boot.img", "core.img", "shim.efi", "grub.efi", "early.cfg"):
            (boot / name).write_bytes(name.encode() * 50)
        (root / "usr/lib/mailnix/packages").write_text("nftables 1.1\nsystemd 257\n")
        (root / "etc/machine-id").write_text("uninitialized\n")
        (root / "etc/issue").write_text("Debian\n")
        return Completed(tuple(words), 0, "", "")

    def _npm(self, folder: Path) -> None:
        arm = "arm64" in (folder / "package.json").read_text()
        node = folder / f"node_modules/node-linux-{'arm64' if arm else 'x64'}"
        for part in ("bin", "include"):
            (node / part).mkdir(parents=True)
            (node / part / "file").write_text(part)
        (node / "bin/file").chmod(0o700)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Disks to write images onto."""
    with bench_in(tmp_path) as made:
        yield made


@pytest.fixture
def machine(bench: Bench) -> Iterator[Machine]:
    """One that is started from a medium."""
    with machine_on(bench) as made:
        yield made


@pytest.fixture
def builder() -> Builder:
    return Builder()


@pytest.fixture
def told() -> list[str]:
    """What was said as progress, line by line."""
    return []
