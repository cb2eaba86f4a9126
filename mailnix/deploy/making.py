"""Who makes the packages of a generation, and the archive in which they travel."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from mailnix import __version__
from mailnix.debian.package import package_name
from mailnix.secrets import Secret, tar
from mailnix.services.generations.names import CREDENTIALS, MADE


class Maker(Protocol):
    """Makes packages. Tests pass a fake."""

    def digest(self, host: str) -> str:
        """One text for all that a generation of a machine installs, its number left out."""
        ...

    def debs(self, host: str, generation: int, folder: Path) -> Mapping[str, Path]:
        """Every package of ours of that generation, by file name, in `folder` or somewhere else."""
        ...

    def adoption(self, host: str) -> Mapping[str, Any]:
        """What a machine that was built as an image is told to make its first generation of: the program's `adopt`."""
        ...

    def parts(self, host: str) -> Mapping[str, str]:
        """Versions of what a generation of a machine is made of, by their names for people."""
        ...

    def mailcow(self, host: str) -> str:
        """Which Mailcow, its images counted: its tree's revision and more; empty where it runs none."""
        ...

    @property
    def program_version(self) -> str:
        """The version of the program that keeps generations on a machine."""
        ...

    def program(self, folder: Path) -> Path:
        """The package of that program."""
        ...


@frozen
class Makers:
    """The maker of each machine, by the system that it runs; a `Maker`, whose program is Debian's."""

    debian: Maker
    nixos: Maker
    is_nixos: Callable[[str], bool]

    def _of(self, host: str) -> Maker:
        return self.nixos if self.is_nixos(host) else self.debian

    def digest(self, host: str) -> str:
        """As its maker says."""
        return self._of(host).digest(host)

    def debs(self, host: str, generation: int, folder: Path) -> Mapping[str, Path]:
        """As its maker makes them."""
        return self._of(host).debs(host, generation, folder)

    def adoption(self, host: str) -> Mapping[str, Any]:
        """As its maker says."""
        return self._of(host).adoption(host)

    def parts(self, host: str) -> Mapping[str, str]:
        """As its maker says."""
        return self._of(host).parts(host)

    def mailcow(self, host: str) -> str:
        """As its maker says."""
        return self._of(host).mailcow(host)

    @property
    def program_version(self) -> str:
        """Debian's; what NixOS takes comes with each call."""
        return self.debian.program_version

    def program(self, folder: Path) -> Path:
        """Debian's."""
        return self.debian.program(folder)


def made(
    host: str, number: int, digest: str, debs: Mapping[str, Path], more: Mapping[str, Any], who: str | None = None
) -> dict[str, Any]:
    """What is kept with a generation; `more` are facts of ours that the machine hands back."""
    return {
        "generation": number,
        "host": host,
        "package": package_name(host),
        "digest": digest,
        "mailnix": __version__,
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": who or whoever(),
        "debs": {name: sha256(path) for name, path in debs.items()},
        **more,
    }


def whoever() -> str:
    """Who runs this, where: said to the next one who comes meanwhile."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except OSError:  # an account without a name
        return socket.gethostname()


def sha256(path: Path) -> str:
    """A file's."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def archive(
    made: Mapping[str, Any], debs: Mapping[str, Path], credentials: Mapping[str, Secret], there: Collection[str]
) -> Secret:
    """A tar of it all; packages whose sha256 is `there` already stay at home. Secret, for its credentials are."""
    files = {MADE: json.dumps(made, indent=1).encode()}
    files |= {name: path.read_bytes() for name, path in debs.items() if made["debs"][name] not in there}
    return Secret(tar({**files, **_placed(credentials)}))


def credentials_archive(credentials: Mapping[str, Secret]) -> Secret:
    """A tar of credentials alone."""
    return Secret(tar(_placed(credentials)))


def _placed(credentials: Mapping[str, Secret]) -> dict[str, bytes]:
    return {f"{CREDENTIALS}/{name}": secret.reveal() for name, secret in credentials.items()}
