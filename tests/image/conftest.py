"""A base image that needs no network: a small root, and a runner that makes it where mmdebstrap would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from attrs import define, field

from mailnix.image import Format, HostBuild
from mailnix.image.manifest import ManifestEntry
from tests.image.bench import Bench, bench_in
from tests.image.install_bench import Machine, machine_on
from tests.image.noting import Noting, OnLine, fail


class Build(Protocol):
    """Builds machines with what a test prepared; gives the manifest's entries."""

    def __call__(
        self, *hosts: HostBuild, form: Format = ..., out: Path = ..., cache: Path = ...
    ) -> tuple[ManifestEntry, ...]:
        """Build them."""
        ...


@define
class Builder(Noting):
    """Instead of Debian it puts a few files into the root; the rest is real."""

    fails: dict[str, tuple[str, ...]] = field(factory=dict)
    interrupts: str = ""

    def instead(self, words: list[str], cwd: Path | None, on_line: OnLine | None) -> bool:
        name = Path(words[0]).name
        if self.interrupts == name:
            raise KeyboardInterrupt
        if name in self.fails:
            fail(words, self.fails[name], on_line)
        match name:
            case "mmdebstrap":
                self._debian(Path(words[words.index("trixie") + 1]))
            case "npm":
                assert cwd is not None
                self._npm(cwd)
            case _:
                return False
        return True

    def _debian(self, root: Path) -> None:
        boot = root / "usr/lib/mailnix/boot"
        for folder in (boot, root / "etc/ssh", root / "var/lib/apt/lists", root / "var/cache/apt", root / "tmp"):
            folder.mkdir(parents=True)
        for name in ("boot.img", "core.img", "shim.efi", "grub.efi", "early.cfg"):
            (boot / name).write_bytes(name.encode() * 50)
        (root / "usr/lib/mailnix/packages").write_text("nftables 1.1\nsystemd 257\n")
        (root / "etc/machine-id").write_text("uninitialized\n")
        (root / "etc/issue").write_text("Debian\n")

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
