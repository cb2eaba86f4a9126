from __future__ import annotations

import base64

import pytest

from mailnix.errors import LabError
from mailnix.lab.scenario import Guest
from mailnix.lab.scenario.nixos_driver import NixosGuest


class Machine:
    name = "proxy"

    def __init__(self, status: int = 0, output: str = "") -> None:
        self.said = (status, output)
        self.heard: list[str] = []

    def execute(self, command: str, *, timeout: int | None = 900) -> tuple[int, str]:
        self.heard.append(command)
        return self.said

    def crash(self) -> None:
        self.heard.append("crash")

    def start(self) -> None:
        self.heard.append("start")

    def connect(self) -> None:
        self.heard.append("connect")

    def wait_for_unit(self, unit: str, *, timeout: int = 900) -> None:
        self.heard.append(unit)


def test_a_driver_machine_is_a_guest() -> None:
    machine = Machine(output="well")
    guest: Guest = NixosGuest(machine)
    assert guest.succeed("true") == "well"
    guest.kill()
    guest.start()
    guest.wait_for_guest()
    guest.wait_for_unit("haraka-out.service")
    assert machine.heard == ["true", "crash", "start", "connect", "haraka-out.service"]


def test_files_come_as_they_are() -> None:
    guest = NixosGuest(Machine(output=base64.b64encode(b"\x00\xff").decode()))
    assert guest.read_file("/x") == b"\x00\xff"


def test_a_failed_command_names_machine_and_command() -> None:
    with pytest.raises(LabError, match="proxy: false failed with status 1"):
        NixosGuest(Machine(status=1)).succeed("false")
