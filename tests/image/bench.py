"""Loop devices that stand for a machine's disks, and write-disk.sh run on them.

Its list of disks is the test's own, since the machine's are no business of a test; all else that it asks is real.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from attrs import field, frozen

from mailnix.image.bootstrap import SCRIPTS
from mailnix.image.gpt import layout, tables
from mailnix.image.loaders import LOADERS
from mailnix.image.values import MIB
from mailnix.model.architecture import Architecture
from mailnix.run import Completed, run

WRITER = SCRIPTS / "write-disk.sh"
SIZE = 44 * MIB
LARGER = 56 * MIB
LSBLK = """\
#!/bin/sh
case "$*" in
    "-dbnro NAME,TYPE,SIZE") cat {bench}/disks ;;
    "-dno SERIAL /dev/"*) cat "{bench}/serial.${{3#/dev/}}" ;;
    "-nro NAME") exec {real} "$@" $(sed 's|^|/dev/|; s| .*||' {bench}/disks) ;;
    *) exec {real} "$@" ;;
esac
"""
NOTHING_WRITTEN, USAGE, BROKEN = 1, 2, 3
LOST = "does NOT hold the image, and what was on it is gone"
"""What is said where it ends with BROKEN."""


@frozen
class Disk:
    """A loop device and the file behind it."""

    device: str
    file: Path

    @property
    def name(self) -> str:
        return Path(self.device).name

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


@frozen
class Bench:
    """A folder with an image, what the script is to see, and programs that stand in for the system's."""

    folder: Path
    devices: list[str] = field(factory=list)

    def disk(self, name: str, size: int = LARGER, *options: str, serial: str = "") -> Disk:
        """One more disk, on which something is."""
        file = self.folder / name
        with file.open("wb") as content:
            content.write(f"what was on {name}".encode() * 1000)
            content.truncate(size)
        device = run(["losetup", "--find", "--show", *options, file]).stdout.strip()
        self.devices.append(device)
        disk = Disk(device, file)
        with (self.folder / "disks").open("a") as disks:
            disks.write(f"{disk.name} disk {size}\n")
        (self.folder / f"serial.{disk.name}").write_text(f"{serial}\n")
        return disk

    def image(self, name: str = "proxy.raw", *, table: bool = True, listed: bool = True) -> Path:
        """An image as a build makes it: partitions, and something in each MiB; with its line in SHA256SUMS.

        Without a `table` it is as a seed disk: by the two bytes at which ext4 is known.
        """
        content = bytearray(
            b"".join(hashlib.sha256(bytes([mib])).digest().ljust(MIB, b"\0") for mib in range(SIZE // MIB))
        )
        if table:
            head, tail = tables(UUID(int=7), SIZE, layout(UUID(int=7), SIZE, LOADERS[Architecture.AMD64]), b"")
            content[: len(head)], content[-len(tail) :] = head, tail
        else:
            content[1080:1082] = b"\x53\xef"
        plain = bytes(content)
        file = self.folder / name
        file.write_bytes(gzip.compress(plain, 1) if name.endswith(".gz") else plain)
        if listed:
            (self.folder / "SHA256SUMS").write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n")
        return file

    def program(self, name: str, text: str) -> None:
        """Let the script find this one first."""
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder)}

    def write(self, *words: object, answer: str = "") -> Completed:
        """Run it; `answer` is typed."""
        return run(["sh", WRITER, *map(str, words)], env=self.env, stdin=answer.encode(), check=False)


@contextmanager
def bench_in(folder: Path) -> Iterator[Bench]:
    """One in this folder; its disks are detached at the end. Skips the test where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("attaches loop devices as root")
    if run(["losetup", "--find"], check=False).status != 0:
        pytest.skip("this machine has no loop devices")
    made = Bench(folder)
    real = run(["sh", "-c", "command -v lsblk"]).stdout.strip()
    made.program("lsblk", LSBLK.format(bench=shlex.quote(str(folder)), real=real))
    yield made
    for device in made.devices:
        run(["delpart", device, "1"], check=False)
        run(["losetup", "--detach", device], check=False)
