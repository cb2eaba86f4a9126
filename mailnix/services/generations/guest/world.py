"""All that the program does to the machine, in one place, so that tests put another machine there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MINUTE = 60.0
SHORT = 5 * MINUTE
"""For what asks; in seconds, as all times here."""

QUIET = {
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",  # it would restart services that are not ours while we count on them
}
ERROR = re.compile("^(E|mailnix): |^dpkg[a-z-]*: error|: (Pre)?Depends: ")
SECOND_HAND = "E: Sub-process "
"""How apt says that dpkg, which has said why, failed."""

STARTS_NOTHING = {"SYSTEMD_OFFLINE": "1"}
"""systemctl(1) then changes files alone: a start that a package's script waits for would wait for this program."""


class Refused(Exception):
    """One clear sentence about what was not done; `status` is the program's."""

    status = 1


class Busy(Refused):
    """Somebody else's change is on its way."""

    status = 4


@dataclass(frozen=True)
class Names:
    """What the making side calls things; it packs them with the program."""

    package: str
    version: str
    keeper: str
    state: str
    shared: tuple[str, ...]  # packages of ours beside the generation's own
    activate: str  # in a generation's package
    activates: str  # what it is told by
    active: str  # what it did last: files by their digests
    credstore: str
    ahead: str  # what a generation may bring to be run before it is switched to
    made: str  # what is known about a generation, as a file in its folder
    credentials: str  # the folder of those that come with it
    maintainer: str  # of our packages
    user: str  # who is let in
    ssh_port: int  # and where
    sshd: str  # a generation's drop-in of sshd's configuration
    keys: str  # and that user's
    table: str  # of nftables, that is ours: its family and name


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it said on both streams."""

    status: int
    output: str

    @property
    def last(self) -> str:
        """What it said of its errors (apt, dpkg, ours), or the end of what it said, as one line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if ERROR.search(line)]
        first_hand = [line for line in errors if not line.startswith(SECOND_HAND)]
        return "; ".join(first_hand[:4] or errors[:4] or lines[-4:]) or f"it ended with {self.status} and no word"


class World(Protocol):
    """A machine, as the program sees it."""

    @property
    def root(self) -> Path:
        """Where its file system begins."""

    @property
    def names(self) -> Names:
        """What things are called."""

    def run(self, argv: Sequence[str], *, within: float = SHORT, offline: bool = False) -> Done:
        """Run a program to its end; one that takes longer is killed with all that it started, status 124."""

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file, whole, so that it is there after a power cut."""

    def free(self, path: Path) -> tuple[int, int]:
        """Bytes, and files, for which there is room where a path is: statvfs(3)."""

    def now(self) -> float:
        """CLOCK_BOOTTIME."""

    def boot(self) -> str:
        """Which boot this is: proc_sys_kernel(5), random/boot_id."""

    def sleep(self, seconds: float) -> None:
        """Let others work."""


class Machine:
    """The one that this program runs on."""

    root = Path("/")

    def __init__(self, names: Names) -> None:
        self.names = names

    def run(self, argv: Sequence[str], *, within: float = SHORT, offline: bool = False) -> Done:
        """See World."""
        environment = {**os.environ, **QUIET, **(STARTS_NOTHING if offline else {})}
        with subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=within)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
                said += f"\n{argv[0]} took longer than {within:.0f} seconds".encode()
                return Done(124, said.decode(errors="replace"))
        return Done(process.returncode, said.decode(errors="replace"))

    def write(self, path: Path, data: bytes) -> None:
        """See World."""
        replace(path, data)

    def free(self, path: Path) -> tuple[int, int]:
        """See World."""
        return free(path)

    def now(self) -> float:
        """See World."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot(self) -> str:
        """See World."""
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def sleep(self, seconds: float) -> None:
        """See World."""
        time.sleep(seconds)


def replace(path: Path, data: bytes) -> None:
    """Write beside it, flush, rename, flush the folder: rename(2) is one step, and fsync(2) keeps it.

    For root alone: it may be a credential.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(path)
    except OSError:  # no half of it stays
        fresh.unlink(missing_ok=True)
        raise
    flush(path.parent)


def free(path: Path) -> tuple[int, int]:
    """See World. File systems that count no files (btrfs) have room for any number."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize, found.f_favail if found.f_files else sys.maxsize


def flush(path: Path) -> None:
    """Have what is in a file or folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def home(world: World) -> Path:
    """The folder with generations and what is known about them."""
    path = world.root / world.names.state.lstrip("/")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(world: World, name: str, wait: float, busy: str) -> Iterator[None]:
    """Hold a lock that ends with the process; raises Busy where somebody else holds it longer than `wait` seconds."""
    with (home(world) / name).open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if wait <= 0:
                    raise Busy(busy) from None
            world.sleep(0.2)
            wait -= 0.2
        yield


def say(text: str) -> None:
    """A line for people, whose terminal may be gone."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
