"""Further generations of a machine that runs: brought there, and switched to as `nixos-rebuild switch` does it."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from mailnix.lab.nixos.build import Layer
from mailnix.lab.nixos.switch.program import PLACE, PROGRAM

STORE: Final = "/nix/store"
PROFILE: Final = "/nix/var/nix/profiles/system"
ARCHIVE: Final = "/var/tmp/generation.tar.gz"
LONGEST: Final = 900.0
"""Seconds in which nothing moves until a switch is over: Mailcow's containers stop and start in it."""


class Switched(Protocol):
    """A machine that files are written to, and that runs commands as root."""

    def succeed(self, command: str, *, timeout: float = ...) -> str:
        """Run a command that must end with status 0."""
        ...

    def write_file(self, path: str, content: bytes) -> None:
        """Make or replace a file."""
        ...


def bring(machine: Switched, layer: Layer, toplevel: str, program: Path) -> int:
    """Copy to the machine what it lacks of a generation, as `nix copy` would; gives the number of store paths.

    `program` is NixOS's switch-to-configuration (`mailnix.lab.nixos.switch`).
    """
    present = {f"{STORE}/{name}" for name in machine.succeed(f"ls {STORE}").split()}
    missing = [path for path in layer.closure(toplevel) if path not in present]
    machine.write_file(ARCHIVE, archive(layer, missing, program))
    machine.succeed(unpack_command(), timeout=LONGEST)
    return len(missing)


def archive(layer: Layer, paths: Iterable[str], program: Path) -> bytes:
    """Store paths and the program, as they lie on the machine, in a tar file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=6) as tar:
        for path in paths:
            tar.add(layer.path(path), path[1:], filter=_as_in_a_store)
        tar.add(program, PLACE[1:], filter=_as_in_a_store)
    return packed.getvalue()


def _as_in_a_store(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def unpack_command() -> str:
    """Unpack the archive into a store that is mounted read-only; only this command sees it writable."""
    inside = f"mount -o remount,bind,rw {STORE} && tar -x -z -f {ARCHIVE} -C / && rm {ARCHIVE}"
    return f"unshare --mount --propagation private sh -c {shlex.quote(inside)}"


def switch(machine: Switched, toplevel: str) -> str:
    """Make a generation the machine's, now and for later boots; what was said. Raises LabError where it fails."""
    return machine.succeed(switch_command(toplevel), timeout=LONGEST)


def switch_command(toplevel: str) -> str:
    """What nixos-rebuild does: set the profile, then run the generation's own program as a unit, not as our child."""
    program = f"{toplevel}/bin/{PROGRAM}"
    unit = "systemd-run --collect --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch"
    return f"ln -sfn {toplevel} {PROFILE} && {unit} {program} switch 2>&1"


def current(machine: Switched) -> str:
    """The toplevel that the machine runs."""
    return machine.succeed("readlink -f /run/current-system").strip()
