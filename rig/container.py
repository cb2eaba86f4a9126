"""A Debian 13 server with a real systemd and dpkg, in a container of its own: boots in seconds, has no network outside.

The root is made once by mmdebstrap and kept in the cache; each container starts from a copy. What a kernel does
(WireGuard, booting) it cannot show: machines in QEMU do.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.image import debs
from mailnix.image.cache import cache_dir, locked
from mailnix.image.values import silent
from mailnix.run import Completed, Spawned, end, run, start
from rig.waiting import until

PLAIN: Final = ("dbus", "ifupdown", "iproute2", "libpam-systemd", "openssh-server", "python3", "sudo", "systemd-sysv")
"""What servers have as providers make them, among much else."""

WAITING: Final = ("mailnix-credentials.service",)
"""What a machine without credentials may still be starting for ever."""

MIRROR: Final = "/var/local/mirror"
"""Where a server's apt finds Debian's packages, in the place of an archive on the internet."""

UNSEEN: Final = ("user@.service",)
"""Units that are masked: in a container whose groups of processes the host keeps, a user's manager does not end, and
each login waits for that, for two minutes."""

BOOT_SECONDS: Final = 120.0
SUITE: Final = "trixie"


def missing() -> str:
    """Why there is no such server here, or an empty text."""
    if os.geteuid() != 0:
        return "containers are made by root"
    for tool in ("systemd-nspawn", "mmdebstrap", "nsenter", "apt-ftparchive"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    return ""


def seldom() -> str:
    """Why a server is left to whoever asks, or an empty text: each kind of root takes minutes to be made."""
    if reason := missing():
        return reason
    asked = os.environ.get("MAILNIX_SERVERS")
    return "" if asked else "`make unit` runs it, as does MAILNIX_SERVERS=containers, and it takes minutes"


def root_archive(packages: Sequence[str], mirror: Sequence[str]) -> Path:
    """A Debian 13 with PLAIN and `packages`, and packages that it may install from MIRROR, as a tar archive."""
    wanted, offered = sorted({*PLAIN, *packages}), sorted({*mirror})
    key = hashlib.sha256(repr(_mmdebstrap(wanted, offered, Path(), Path())).encode()).hexdigest()[:16]
    store = cache_dir() / "servers"
    store.mkdir(parents=True, exist_ok=True)
    archive = store / f"{key}.tar"
    with locked(store / f"{key}.lock", silent):
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=store) as scratch:
                made = Path(scratch) / "root.tar"
                with debs.shared(cache_dir() / "debs", Path(scratch) / "debs") as fetched:
                    run(
                        _mmdebstrap(wanted, offered, made, fetched),
                        timeout=1200,
                        env={"DEBIAN_FRONTEND": "noninteractive"},
                    )
                made.replace(archive)
    return archive


def _mmdebstrap(packages: Sequence[str], mirror: Sequence[str], made: Path, fetched: Path) -> list[str]:
    folder = f"-o Dir::Cache::archives={MIRROR}/"
    download = f'chroot "$1" apt-get -q -y {folder} --no-install-recommends --download-only install {" ".join(mirror)}'
    return [
        "mmdebstrap",
        "--mode=unshare",
        "--variant=apt",
        '--aptopt=APT::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *debs.argv(fetched),
        f'--customize-hook=rm -f "$1"{debs.ARCHIVES}/*.deb; mkdir -p "$1"{MIRROR}/partial',
        *([f"--customize-hook={download}"] if mirror else []),
        f"--include={','.join(packages)}",
        SUITE,
        str(made),
    ]


@frozen
class Network:
    """Where a server's cable ends: a bridge in a network namespace."""

    namespace: str
    bridge: str


class Container:
    """A server that runs, or one whose power was cut: `boot` starts it again from what is on its disk."""

    def __init__(self, folder: Path, name: str, network: Network | None = None) -> None:
        self.root, self.name, self.log = folder / "root", name, folder / "console"
        self.network = network
        self._spawned: Spawned | None = None
        self._leader = 0

    def boot(self) -> None:
        """Start it, and wait until systemd has nothing left to start but what waits for somebody."""
        words = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--bind=/dev/net/tun")
        where = ("--directory", str(self.root), "--machine", self.name)
        cable = ["--network-veth"] if self.network is None else [f"--network-bridge={self.network.bridge}"]
        inside = [] if self.network is None else ["nsenter", f"--net=/run/netns/{self.network.namespace}"]
        # systemd of Debian 13 wants the unified hierarchy, whatever the host has (systemd-nspawn(1)).
        env = ["env", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1"]
        self._spawned = start([*inside, *env, *words, *cable, *where], self.log)
        try:
            until(self._up, f"{self.name} boots; its console: {self.log}", BOOT_SECONDS)
        except AssertionError:
            self.cut_power()
            raise AssertionError(f"{self.name} does not boot: {self.log.read_text()[-2000:]}") from None

    def _up(self) -> bool:
        spawned = self._spawned
        assert spawned is not None
        assert spawned.status() is None, f"{self.name} ended: {self.log.read_text()[-2000:]}"
        children = Path(f"/proc/{spawned.pid}/task/{spawned.pid}/children").read_text().split()
        if not children:
            return False
        self._leader = int(children[0])
        if self.network is None:
            run(["ip", "link", "set", f"ve-{self.name}", "up"], check=False)  # the other end of its cable
        # Its cable may be there a moment after ifupdown has looked for it.
        self.sh("if systemctl --quiet is-failed networking; then systemctl restart networking; fi", check=False)
        jobs = self.sh("systemctl list-jobs --no-legend && systemctl is-active sysinit.target ssh", check=False)
        running = [line for line in jobs.stdout.splitlines() if line.endswith(" running")]
        return jobs.status == 0 and all(any(unit in line for unit in WAITING) for line in running)

    def sh(self, script: str, *, check: bool = True, stdin: bytes | None = None, timeout: float = 300) -> Completed:
        """Run a shell script in it as root."""
        inside = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb")
        words = ("nsenter", "--target", str(self._leader), "--all", "--", *inside, "sh", "-c", script)
        return run(words, check=check, stdin=stdin, timeout=timeout)

    def out(self, script: str) -> str:
        """What a script prints, without space around it."""
        return self.sh(script, check=False).stdout.strip()

    def cut_power(self) -> None:
        """End all of its processes at once: nothing is asked, nothing flushed but what the kernel has."""
        if self._spawned is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._leader, 9)  # the first process of its namespace: the kernel ends the others
            end(self._spawned)
            self._spawned = None


def offer(root: Path) -> None:
    """Have a server's apt know what lies in its mirror, and nothing else."""
    mirror = root / MIRROR[1:]
    mirror.mkdir(parents=True, exist_ok=True)
    (mirror / "Packages").write_text(run(["apt-ftparchive", "packages", "."], cwd=mirror).stdout)
    for each in (root / "etc/apt/sources.list.d").glob("*"):
        each.unlink()
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{MIRROR} ./\n")
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)


@contextlib.contextmanager
def server(
    folder: Path,
    packages: Sequence[str] = (),
    mirror: Sequence[str] = (),
    *,
    name: str = "plain",
    network: Network | None = None,
) -> Iterator[Container]:
    """A server as somebody else set it up, not yet booted; its power is cut at the end."""
    container = Container(folder, f"{name}{os.getpid()}", network)
    container.root.mkdir(parents=True)
    archive = root_archive(packages, mirror)
    run(["tar", "-C", container.root, "--exclude=./dev/*", "--numeric-owner", "-xpf", archive], timeout=300)
    offer(container.root)
    for unit in UNSEEN:
        (container.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    try:
        yield container
    finally:
        container.cut_power()
        shutil.rmtree(container.root, ignore_errors=True)
