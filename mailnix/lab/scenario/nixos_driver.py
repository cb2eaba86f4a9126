"""The NixOS test driver's machines as Guests, so that flake checks ask the same questions."""

from __future__ import annotations

import base64
import shlex
from typing import Protocol

from attrs import frozen

from mailnix.errors import LabError
from mailnix.lab.guest import Result


class DriverMachine(Protocol):
    """What is used of the driver's Machine (nixos/lib/test-driver, `test_driver.machine`)."""

    name: str

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

    def wait_for_unit(self, unit: str, *, timeout: int = 900) -> None:
        """Wait until a unit is active."""
        ...


@frozen
class NixosGuest:
    """One machine of the driver."""

    machine: DriverMachine

    def execute(self, command: str, *, timeout: float = 60.0) -> Result:
        """Run a command to its end, good or bad; the driver knows no error output apart."""
        status, output = self.machine.execute(command, timeout=int(timeout))
        return Result(status, output.encode(), b"")

    def succeed(self, command: str, *, timeout: float = 60.0) -> str:
        """Run a command that must succeed; gives its output."""
        result = self.execute(command, timeout=timeout)
        if not result.ok:
            raise LabError(f"{self.machine.name}: {command[:80]} failed with status {result.status}: {result.stdout}")
        return result.stdout

    def read_file(self, path: str) -> bytes:
        """A file's content."""
        return base64.b64decode(self.succeed(f"base64 -w0 {shlex.quote(path)}"))

    def kill(self) -> None:
        """Cut its power."""
        self.machine.crash()

    def start(self) -> None:
        """Switch it on."""
        self.machine.start()

    def wait_for_guest(self, timeout: float = 300.0) -> None:  # noqa: ARG002 - the driver has its own patience
        """Wait until it takes commands."""
        self.machine.connect()

    def wait_for_unit(self, unit: str, timeout: float = 300.0) -> None:
        """Wait until a systemd unit is active."""
        self.machine.wait_for_unit(unit, timeout=int(timeout))
