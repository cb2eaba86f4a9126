"""What is a machine of NixOS made of: the emitted flake, which nixos-rebuild builds and copies to the machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from attrs import define, field

from mailnix import __version__
from mailnix.deploy.commands import Commands
from mailnix.deploy.values import MAILCOW
from mailnix.errors import CommandFailed, DeployError, MailnixError, ToolMissing
from mailnix.image.nix import explained
from mailnix.nixos.flake import FLAKE, HOSTS, LOCAL
from mailnix.run import Runner, run
from mailnix.services.haraka import npm_tree
from mailnix.services.mailcow.pin import PIN
from mailnix.ssh import QUIET, Way, meant, of_ssh
from mailnix.tree import File, Tree
from mailnix.write import write_tree

REBUILD: Final = "nixos-rebuild"
SYSTEM: Final = "system"
"""The file of a generation that names it, and a path of the machine's store."""

UNSIGNED: Final = "lacks a signature by a trusted key"
"""What a machine's nix says where whoever brings a path is neither root nor one of its trusted-users (nix.conf(5))."""

SSH_OPTIONS: Final = "NIX_SSHOPTS"
INSTALL: Final = f"nix profile install nixpkgs#{REBUILD}-ng"


def argv(flake: Path, host: str, way: Way, build_host: str | None) -> tuple[str, ...]:
    """The call that builds a machine's system, here or on `build_host`, and copies it there: nixos-rebuild(8).

    It activates nothing, and prints the system's path.
    """
    where = () if build_host is None else ("--build-host", build_host)
    return (REBUILD, "build", "--flake", f"path:{flake}#{host}", "--target-host", _target(way), *where)


def environment(way: Way) -> dict[str, str]:
    """How nix calls ssh; what the user has set already counts as well."""
    own = shlex.split(os.environ.get(SSH_OPTIONS, ""))
    config = ("-F", str(way.config)) if way.config else ()
    jump = ("-J", way.jump) if way.jump else ()
    return {SSH_OPTIONS: shlex.join((*own, *config, *QUIET, *jump))}


def _target(way: Way) -> str:
    return way.target if way.user is None else f"{way.user}@{way.target.rpartition('@')[2]}"


def by_hand(commands: Commands, host: str, way: Way, build_host: str | None = None) -> str:
    """What a person types in our place; nobody takes that back."""
    ssh = shlex.join((*(("-F", str(way.config)) if way.config else ()), *(("-J", way.jump) if way.jump else ())))
    options = f"{SSH_OPTIONS}={shlex.quote(ssh)} " if ssh else ""
    words = (REBUILD, "switch", "--flake", f"./machines#{host}", "--target-host", _target(way))
    build = () if build_host is None else ("--build-host", build_host)
    return f"{commands.emit_nixos('machines')} && {options}{' '.join(words)}{''.join(f' {each}' for each in build)}"


def anywhere(commands: Commands, host: str, way: Way) -> str:
    """What a person types to have NixOS installed over another system, which erases its disk: nixos-anywhere's manual.

    No command of ours: the disk's layout, which it needs, is no part of a description.
    """
    return (
        f"{commands.emit_nixos('machines')}, give machines/local/{host}.nix a disko layout, and "
        f"nix run github:nix-community/nixos-anywhere -- --flake path:machines#{host} {_target(way)}"
        " (docs/howto/nixos.md), which erases its disk"
    )


def untrusted(host: str, way: Way) -> DeployError:
    """What it means that whoever logged in may use sudo, and hand no system to the machine's nix."""
    user = (way.user or way.target.rpartition("@")[0]).removeprefix("ssh://") or "USER"
    hint = f'log in as root: --to {host}=root@ADDRESS; or have nix.settings.trusted-users = [ "{user}" ]; there'
    return DeployError(f"the nix of {host} ({way}) takes no system from {user}, whom it does not trust", hint)


def digest(flake: Tree, host: str) -> str:
    """One text for all that a machine's system is built of: other machines' files have no part in it."""
    made = hashlib.sha256()
    for file in sorted(flake.files, key=lambda each: each.path):
        if _counts(file, host, _names(flake)):
            data = file.data.partition(b"outputs")[0] if file.path == FLAKE else file.data
            made.update(f"{file.path} {file.mode:o} {len(data)}\n".encode() + data)
    return made.hexdigest()


def _names(flake: Tree) -> set[str]:
    return {file.path.split("/")[2] for file in flake.files if file.path.startswith(f"/{HOSTS}/")}


def _counts(file: File, host: str, names: set[str]) -> bool:
    _, folder, *rest = file.path.split("/")
    if folder == HOSTS:
        return rest[0] == host
    if folder == LOCAL:
        return rest[0].removesuffix(".nix") not in names - {host}
    return file.path != "/README.md"


def elsewhere() -> bool:
    """Whether this machine cannot build what runs on them."""
    return sys.platform != "linux" or platform.machine() != "x86_64"


@define
class Rebuilds:
    """Makes systems of NixOS; a `Maker`.

    `home` is the machine with Mailcow; `way` tells how one is reached, `flake` is emitted when it is wanted. They are
    built on `build_host`, or here; where here is no such machine, on the one that they are for.
    """

    commands: Commands
    home: str
    flake: Callable[[], Tree]
    way: Callable[[str], Way]
    say: Callable[[str], None]
    build_host: str | None = None
    runner: Runner = run
    program_version: str = ""
    _tree: Tree | None = field(default=None, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    @property
    def tree(self) -> Tree:
        """The flake, emitted once."""
        if self._tree is None:
            self._tree = self.flake()
        return self._tree

    def digest(self, host: str) -> str:
        """Of what its system is built of."""
        return digest(self.tree, host)

    def debs(self, host: str, generation: int, folder: Path) -> Mapping[str, Path]:
        """A file that names the system, which is on the machine by then; raises DeployError, BuildError."""
        way, flake = self.way(host), folder / "flake"
        with self._lock:  # machines are staged beside each other
            if not flake.exists():
                write_tree(self.tree, flake)
        words = argv(flake, host, way, self.build_host or (_target(way) if elsewhere() else None))
        try:
            built = self.runner(
                words, cwd=folder, env=environment(way), on_line=lambda line: self.say(f"{host}: {line}")
            )
        except ToolMissing:
            typed = by_hand(self.commands, host, way, self.build_host)
            hint = f"install it ({INSTALL}); or, with nobody to take it back: {typed}"
            raise DeployError(f"{REBUILD} is not installed here, and {host} runs NixOS", hint) from None
        except CommandFailed as error:
            raise self._failed(error, host, way) from None
        path = folder / f"{host}.{SYSTEM}"
        path.write_text(f"{generation} {built.stdout.strip().splitlines()[-1]}\n")
        return {SYSTEM: path}

    def _failed(self, error: CommandFailed, host: str, way: Way) -> MailnixError:
        """What nixos-rebuild's failure means, of which some are ssh's, or the machine's own nix's."""
        said = error.last_lines
        if UNSIGNED in said:
            return untrusted(host, way)
        if of_ssh(said):
            builder = self.build_host and self.build_host.rpartition("@")[2] in said
            seen, to = (Way(str(self.build_host)), "--build-host ") if builder else (way, f"--to {host}=")
            if found := meant(said, "the build host" if builder else host, seen, to):
                return DeployError(found.message, found.hint)
        return explained(error, host)

    def parts(self, host: str) -> Mapping[str, str]:
        """What mailnix pins of them; the rest is nixpkgs'."""
        pinned = {MAILCOW: PIN.tag} if host == self.home else {npm_tree.HARAKA: npm_tree.pinned(npm_tree.HARAKA)}
        return {"mailnix": __version__, **pinned}

    def mailcow(self, _host: str) -> str:
        """None, for no database is kept for the way back: who takes another Mailcow there has a backup."""
        return ""

    def adoption(self, host: str) -> Mapping[str, Any]:
        """None is wanted: NixOS has generations from the first."""
        raise DeployError(f"{host} keeps its generations by itself")

    def program(self, folder: Path) -> Path:
        """None is wanted: it comes with each call."""
        raise DeployError(f"{folder}: machines of NixOS have no packages of ours")
