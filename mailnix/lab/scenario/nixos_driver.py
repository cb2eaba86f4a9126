"""The NixOS test driver's machines as Guests, so that flake checks boot, wait and ask as the lab does."""

from __future__ import annotations

import base64
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from attrs import frozen

from mailnix.errors import LabError
from mailnix.image.values import Progress
from mailnix.lab import commands
from mailnix.lab.commands import BOOT_TIMEOUT, COMMAND_TIMEOUT
from mailnix.lab.guest import Result
from mailnix.lab.internet.authority import Authority, install
from mailnix.lab.internet.layout import INTERNET, Layout, layout
from mailnix.lab.ready import wait_until_ready
from mailnix.lab.scenario.checks import checks_for
from mailnix.lab.scenario.disks import with_backing
from mailnix.lab.scenario.scene import Scene
from mailnix.lab.scenario.stage import staged
from mailnix.lab.scenario.values import Check
from mailnix.lab.signs import Signs
from mailnix.lab.waiting import REAL_CLOCK, Clock
from mailnix.plan import Plan

_OTHER_ROOT: Final = "NixOS's unbound reads one file in the store, so it cannot be told the lab's root at run time"
NOT_HERE: Final[Mapping[str, str]] = {"policies-kept": _OTHER_ROOT, "policies-broken": _OTHER_ROOT}
"""Checks that make no sense on this driver, and why: id to reason. All others do: its disks are files, too."""

# What `write_keys` leaves in its folder, and `exchange` takes up.
SECRETS: Final = "secrets"
AUTHORITY: Final = "authority"
CA: Final = "ca.pem"
ZONE: Final = "published.zone"


class DriverMachine(Protocol):
    """What is used of the driver's Machine (nixos/lib/test-driver, `test_driver.machine`)."""

    name: str
    state_dir: Path

    def execute(self, command: str, *, timeout: int | None = 900) -> tuple[int, str]:
        """Run a command; its status and output."""
        ...

    def crash(self) -> None:
        """Cut its power."""
        ...

    def start(self) -> None:
        """Switch it on."""
        ...

    def connect(self) -> None:
        """Wait for its shell."""
        ...


@frozen
class NixosGuest:
    """One machine of the driver."""

    machine: DriverMachine
    clock: Clock = REAL_CLOCK

    @property
    def name(self) -> str:
        """Its name."""
        return self.machine.name

    def signs(self) -> Signs:
        """None: the driver shows no QEMU."""
        return Signs()

    def execute(self, command: str, *, timeout: float = COMMAND_TIMEOUT) -> Result:
        """Run a command to its end, good or bad; the driver knows no error output apart.

        The driver would run it with `set -euo pipefail` and its own shell's input; the lab's guest agent does neither.
        """
        status, output = self.machine.execute(f"exec sh -c {shlex.quote(command)} </dev/null", timeout=int(timeout))
        return Result(status, output.encode(), b"")

    def succeed(self, command: str, *, timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must succeed; gives its output."""
        return commands.output_of(self, command, self.execute(command, timeout=timeout))

    def read_file(self, path: str) -> bytes:
        """A file's content."""
        return base64.b64decode(self.succeed(f"base64 -w0 {shlex.quote(path)}"))

    def write_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Make or replace a small file, with the folders above it."""
        to, data = shlex.quote(path), base64.b64encode(content).decode()
        self.succeed(f'mkdir -p "$(dirname {to})" && : >>{to} && chmod {mode:o} {to} && echo {data} | base64 -d >{to}')

    def put(self, path: str, data: bytes) -> None:
        """Likewise, as the internet takes its certificates."""
        self.write_file(path, data)

    def kill(self) -> None:
        """Cut its power."""
        self.machine.crash()

    def start(self) -> None:
        """Switch it on."""
        self.machine.start()

    def wait_for_guest(self, timeout: float = BOOT_TIMEOUT) -> None:  # noqa: ARG002 - the driver has its own patience
        """Wait until it takes commands."""
        self.machine.connect()

    def wait_for_boot(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until systemd has worked off the jobs of its boot, well or badly."""
        commands.wait_for_boot(self, timeout)

    def wait_for_unit(self, unit: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until a systemd unit is active; fails at once where it failed. (The driver's own gives up on units that
        something is about to start.)
        """
        commands.wait_for_unit(self, unit, timeout)

    def wait_until_succeeds(self, command: str, timeout: float = BOOT_TIMEOUT, *, subject: str = "") -> str:
        """Run a command again and again until it ends with status 0; gives its output."""
        return commands.wait_until_succeeds(self, command, timeout, subject)

    def error(self, message: str, hint: str = "") -> LabError:
        """What to raise about this machine."""
        return LabError(f"{self.name}: {message}", hint)


@frozen
class Exchange:
    """The machines of a plan on the driver, with the keys they were built with."""

    plan: Plan
    layout: Layout
    guests: Mapping[str, NixosGuest]
    secrets: Path
    authority: Authority

    def boot(self, progress: Progress) -> None:
        """Switch everything on, the internet first, and wait until mail can flow, as `mailnix.lab.lab.boot` does."""
        internet = self.guests[INTERNET]
        for guest in (internet, *(guest for name, guest in self.guests.items() if name != INTERNET)):
            guest.start()
        internet.wait_for_guest()
        install(internet, self.authority)
        for guest in self.guests.values():
            guest.wait_for_guest()
        wait_until_ready(self.plan, self.guests, progress)

    def stage(self) -> Scene:
        """The machines as checks see them."""
        disks = {name: disk_files(guest.machine) for name, guest in self.guests.items()}
        return staged(self.plan, self.layout, self.guests, self.secrets, disks)

    def checks(self) -> Iterator[Check]:
        """Every check of the plan that makes sense here, in the lab's order."""
        return (check for check in checks_for(self.plan) if check.id not in NOT_HERE)


def exchange(plan: Plan, keys: Path, machines: Mapping[str, DriverMachine], work: Path) -> Exchange:
    """The driver's machines, and the keys from a folder of `write_keys`.

    Nix's store is open to everybody, which secrets are not read from: they are copied to `work`, a private folder.
    """
    from mailnix.plan import with_keys
    from mailnix.secrets import public_keys

    secrets = work / SECRETS
    shutil.copytree(keys / SECRETS, secrets, copy_function=shutil.copyfile)
    for path in (secrets, *secrets.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    authority = Authority(
        (keys / CA).read_bytes(), {path.name: path.read_bytes() for path in sorted((keys / AUTHORITY).iterdir())}
    )
    guests = {name: NixosGuest(machine) for name, machine in machines.items()}
    return Exchange(with_keys(plan, public_keys(secrets)), layout(plan), guests, secrets, authority)


def disk_files(machine: DriverMachine) -> tuple[Path, ...]:
    """Every file that a machine's own disks are made of; what Nix's store shares with it is no disk of its."""
    return tuple(file for disk in sorted(machine.state_dir.glob("*.qcow2")) for file in with_backing(disk))


def write_keys(plan: Plan, out: Path) -> None:
    """Everything secret of a check, made anew: secrets, an authority, seed disks, and the zone with its keys."""
    from mailnix.lab.internet.authority import new_authority
    from mailnix.plan import with_keys
    from mailnix.secrets import init, public_keys, seed
    from mailnix.zones.zone import zone_text

    init(plan, out / SECRETS, made_up=True)
    authority = new_authority(layout(plan))
    (out / CA).write_bytes(authority.certificate)
    (out / AUTHORITY).mkdir()
    for name, data in authority.internet_files.items():
        (out / AUTHORITY / name).write_bytes(data)
    known = with_keys(plan, public_keys(out / SECRETS))
    (out / ZONE).write_text(zone_text(known.records))
    for host in plan.hosts:
        seed(plan, host.name, out / SECRETS, out / f"{host.name}-seed.img", [authority.certificate])
