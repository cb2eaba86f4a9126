"""pytest-testinfra on a machine of the lab: `host_of(machine).service("caddy").is_running`.

Commands go through the guest agent, so neither SSH nor an open port is needed, and a machine whose network is down can
still be asked why.
"""

from __future__ import annotations

from typing import Any, Protocol

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from mailnix.lab.guest import Result

COMMAND_TIMEOUT = 120.0


class Guest(Protocol):
    """What the backend needs of a machine; `mailnix.lab.machine.Machine` is one."""

    @property
    def name(self) -> str:
        """Its name, shown in reports."""
        ...

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = ...) -> Result:
        """Run a shell command as root to its end; raises LabError where that takes longer than `timeout` seconds."""
        ...

    def read_file(self, path: str) -> bytes:
        """A file of the guest."""
        ...

    def write_file(self, path: str, content: bytes | str, mode: int = ...) -> None:
        """Make or replace a file of the guest."""
        ...


class MachineBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """How testinfra reaches a machine; `timeout` is in seconds for each command."""

    NAME = "mailnix"

    def __init__(self, machine: Guest, timeout: float = COMMAND_TIMEOUT) -> None:
        super().__init__(machine.name)
        self.machine = machine
        self.timeout = timeout

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command; testinfra's own arguments are quoted into it. `timeout=` in seconds may be given."""
        line = self.get_command(command, *args)
        result = self.machine.execute(line, timeout=kwargs.get("timeout", self.timeout))
        return self.result(result.status, line.encode(), result.stdout_bytes, result.stderr_bytes)

    def get_encoding(self) -> str:
        """UTF-8, as the commands' environment says; asking the guest would need Python there."""
        return "utf-8"


def host_of(machine: Guest, timeout: float = COMMAND_TIMEOUT) -> Host:
    """A testinfra Host for a machine; `host.backend.machine` leads back to it."""
    backend = MachineBackend(machine, timeout)
    host = Host(backend)
    backend.set_host(host)
    return host


def put(host: Host, path: str, content: bytes | str, mode: int = 0o644) -> None:
    """Make or replace a file in the guest, of any size."""
    _machine(host).write_file(path, content, mode)


def get(host: Host, path: str) -> bytes:
    """A file of the guest, of any size."""
    return _machine(host).read_file(path)


def _machine(host: Host) -> Guest:
    backend = host.backend
    if not isinstance(backend, MachineBackend):
        raise TypeError(f"{host} is not a machine of the lab")
    return backend.machine
