"""Namespaces of their own for a set of programs: files (an overlay over the machine's), network, processes."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from attrs import define, evolve, frozen

from mailnix import run
from rig.mailcow.needs import NAMESPACES
from rig.netns import sockets_of
from rig.waiting import until

HOLDER: Final = Path(__file__).parent / "holder.sh"
ENVIRONMENT: Final[Mapping[str, str]] = {
    "HOME": "/root",  # as in Mailcow's containers: PHP's OpenSSL looks for files there
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""All that programs inside get: a proxy's variable of ours would reach Mailcow's curl."""

GONE: Final = (FileNotFoundError, ProcessLookupError)
"""What reading of a process in /proc ends with when it ends itself: before the file is opened, or after."""


@frozen
class Space:
    """`pid` holds the namespaces; the network is that of `network`, a process too."""

    pid: int
    network: int
    logs: Path

    def words(self, argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> list[str | Path]:
        """A command as it is run inside."""
        pid = f"--target={self.pid}"
        enter = ["nsenter", pid, "--mount", "--pid", "--ipc", "--uts", f"--net=/proc/{self.network}/ns/net", "--wdns=/"]
        variables = {**ENVIRONMENT, **(environment or {})}
        return [*enter, "env", "-i", *(f"{name}={value}" for name, value in variables.items()), *argv]

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        check: bool = True,
        timeout: float = 120.0,
    ) -> run.Completed:
        """Run a program inside to its end; see `mailnix.run.run`."""
        return run.run(self.words(argv, environment), stdin=stdin, check=check, timeout=timeout)

    def start(self, name: str, argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Daemon:
        """Start a daemon inside; what it prints goes to a log of that name."""
        log = self.logs / f"{name}.log"
        log.unlink(missing_ok=True)
        return Daemon(name, run.start(self.words(argv, environment), log))

    def path(self, inside: str | Path) -> Path:
        """A file inside, as it is reached from here."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def sockets(self) -> AbstractContextManager[None]:
        """In the block, this thread's sockets are made in the space's network."""
        return sockets_of(Path(f"/proc/{self.network}/ns/net"))

    @contextlib.contextmanager
    def beside(self) -> Iterator[Space]:
        """The same, with a network of its own, that has nothing but `lo`."""
        with run.spawn(["unshare", "--net", "sleep", "infinity"], self.logs / "network.log") as other:
            ours = Path("/proc/self/ns/net").readlink()
            theirs = Path(f"/proc/{other.pid}/ns/net")
            until(lambda: theirs.readlink() != ours, "a network of its own")
            made = evolve(self, network=other.pid)
            made.run(["ip", "link", "set", "lo", "up"])
            yield made


@define
class Daemon:
    """A program that runs inside."""

    name: str
    process: run.Spawned

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.process.log.read_text("utf-8", "replace")

    def ready(self, condition: object, what: str, seconds: float = 90.0) -> None:
        """Wait for a condition; raises AssertionError with the end of the log, at once where the program has ended."""
        assert callable(condition)
        try:
            until(lambda: self.process.status() is not None or bool(condition()), what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-2000:]}") from None
        assert self.process.status() is None, f"{self.name} ended\n{self.log[-2000:]}"

    def stop(self) -> None:
        """End it and what it started, in other process groups too: php-fpm makes one of its own."""
        family = [*descendants(self.process.pid)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        try:
            until(lambda: not any(is_alive(pid) for pid in family), f"the end of {self.name}")
        finally:
            run.end(self.process)


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    with contextlib.suppress(*GONE):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            yield from descendants(child)
            yield child


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except GONE:
        return False


@contextlib.contextmanager
def space(work: Path, tunnel: str, network: str) -> Iterator[Space]:
    """Namespaces until the end of the block, with `work/over` laid over the machine's files; see holder.sh."""
    logs = work / "log"
    logs.mkdir()
    log = logs / "holder.log"
    with run.spawn([*NAMESPACES, "bash", HOLDER, work, work / "root", tunnel, network], log) as spawned:
        until(lambda: spawned.status() is not None or log.read_text().endswith("up\n"), "the namespaces")
        assert spawned.status() is None, log.read_text()
        (pid,) = Path(f"/proc/{spawned.pid}/task/{spawned.pid}/children").read_text().split()
        yield Space(int(pid), int(pid), logs)
