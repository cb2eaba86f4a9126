"""The NixOS test driver's machines as the lab's scenario sees them, and the check's own test script, run with fakes."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from mailnix.config import load
from mailnix.errors import LabError
from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.internet.machine import PASSWORDS, READY
from mailnix.lab.ready import INTERNAL_UNITS, INTERNET_UNITS, PROXY_UNITS
from mailnix.lab.scenario import CHECKS, Guest, Outcome, checks_for, run_checks
from mailnix.lab.scenario.nixos_driver import NOT_HERE, NixosGuest, exchange, write_keys
from mailnix.lab.waiting import Clock
from mailnix.plan import Plan, derive

REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLE = REPOSITORY / "docs/examples/two_machines.py"
SCRIPT = REPOSITORY / "vm-tests/nixos/mail-exchange.py"
UP = "LoadState=loaded\nActiveState=active\nSubState=running\nPending=0\n"
DOWN = "LoadState=loaded\nActiveState=failed\nResult=exit-code\nPending=0\n"


@define
class Machine:
    """Answers like a machine of the driver on which every unit is up, and every other command prints `output`."""

    name: str = "proxy"
    status: int = 0
    output: str = ""
    unit: str = UP
    state_dir: Path = Path("/nowhere")
    heard: list[str] = field(factory=list)

    def execute(self, command: str, *, timeout: int | None = 900) -> tuple[int, str]:
        # The driver's own shell has `set -euo pipefail`, and its input is not ours to read.
        assert command.startswith("exec sh -c ")
        assert command.endswith(" </dev/null")
        asked = shlex.split(command)[3]
        self.heard.append(asked)
        if "systemctl show -p" in asked:
            return 0, self.unit
        return (0, "yes") if "timedatectl" in asked else (self.status, self.output)

    def crash(self) -> None:
        self.heard.append("crash")

    def start(self) -> None:
        self.heard.append("start")

    def connect(self) -> None:
        self.heard.append("connect")


@pytest.fixture(scope="module")
def example() -> Plan:
    return derive(load(EXAMPLE))


@pytest.fixture(scope="module")
def keys(example: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the check's derivation builds, open to everybody as a store is."""
    folder = tmp_path_factory.mktemp("keys")
    write_keys(example, folder)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.fixture
def machines(example: Plan, tmp_path: Path) -> dict[str, Machine]:
    made = {}
    for name in (INTERNET, *(host.name for host in example.hosts)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.qcow2").write_bytes(b"\0" * 4096)
        made[name] = Machine(name, output="{}", state_dir=tmp_path / name)
    return made


def test_a_driver_machine_is_a_guest() -> None:
    machine = Machine(output="well")
    guest: Guest = NixosGuest(machine)
    assert guest.succeed("true") == "well"
    guest.kill()
    guest.start()
    guest.wait_for_guest()
    guest.wait_for_unit("haraka-out.service")
    assert machine.heard[:4] == ["true", "crash", "start", "connect"]
    assert "haraka-out.service" in machine.heard[4]


def test_files_come_as_they_are() -> None:
    guest = NixosGuest(Machine(output=base64.b64encode(b"\x00\xff").decode()))
    assert guest.read_file("/x") == b"\x00\xff"


def test_files_go_as_they_are(tmp_path: Path) -> None:
    from mailnix.run import run

    class Local(Machine):
        def execute(self, command: str, *, timeout: int | None = 900) -> tuple[int, str]:
            return 0, run(["bash", "-c", f"set -euo pipefail; {command}"]).stdout

    target = tmp_path / "a folder/file"
    NixosGuest(Local()).write_file(str(target), b"\x00'\xff", 0o600)
    assert target.read_bytes() == b"\x00'\xff"
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_failed_command_names_machine_and_command() -> None:
    with pytest.raises(LabError, match="proxy: false failed with status 1"):
        NixosGuest(Machine(status=1)).succeed("false")


def test_waiting_for_a_failed_unit_ends_at_once() -> None:
    with pytest.raises(LabError, match=r"proxy: waiting for x\.service: it is failed \(exit-code\)"):
        NixosGuest(Machine(unit=DOWN)).wait_for_unit("x.service")


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    moments = iter(range(1000))
    clock = Clock(lambda: float(next(moments)), lambda _seconds: None)
    with pytest.raises(LabError, match=r"proxy: waiting for the tunnel: not after 2[01] s"):
        NixosGuest(Machine(status=1), clock).wait_until_succeeds("false", 20, subject="the tunnel")


def test_every_check_of_the_lab_is_asked_here_or_has_a_reason(
    example: Plan, keys: Path, machines: dict[str, Machine], tmp_path: Path
) -> None:
    mail = exchange(example, keys, machines, tmp_path / "work")
    told: list[Outcome] = []
    outcomes = run_checks(mail.checks(), mail.stage(), told.append, begun=0.0).outcomes
    assert [o.id for o in outcomes] == [c.id for c in checks_for(example) if c.id not in NOT_HERE]
    assert told == list(outcomes)
    assert set(NOT_HERE) <= {check.id for check in CHECKS}
    assert all(NOT_HERE.values())


def test_it_boots_and_waits_as_the_lab_does(
    example: Plan, keys: Path, machines: dict[str, Machine], tmp_path: Path
) -> None:
    said: list[str] = []
    mail = exchange(example, keys, machines, tmp_path / "work")
    mail.boot(said.append)
    internet = machines[INTERNET].heard
    assert any(f"touch {READY}" in command for command in internet)
    for name, units in ((INTERNET, INTERNET_UNITS), ("proxy", PROXY_UNITS), ("internal", INTERNAL_UNITS)):
        assert all(any(unit in command for command in machines[name].heard) for unit in units)
    assert "internal: Mailcow has its own certificate" in said
    assert all(machine.heard[:2] == ["start", "connect"] for machine in machines.values())


def test_the_worlds_clients_get_passwords_and_the_plan_gets_its_keys(
    example: Plan, keys: Path, machines: dict[str, Machine], tmp_path: Path
) -> None:
    mail = exchange(example, keys, machines, tmp_path / "work")
    scene = mail.stage()
    assert any(PASSWORDS in command for command in machines[INTERNET].heard)
    signed = [record for record in scene.plan.records if "_domainkey" in record.name]
    assert len(signed) == 2
    zone = (keys / "published.zone").read_text()
    assert all(record.data[:80] in zone for record in signed)


def run_script(machines: dict[str, Machine], keys: Path) -> list[str]:
    """Run the check's test script as the driver does; gives the names of its subtests."""
    names: list[str] = []

    @contextmanager
    def subtest(name: str) -> Iterator[None]:
        names.append(name)
        yield

    text = SCRIPT.read_text().replace("@example@", str(EXAMPLE)).replace("@keys@", str(keys))
    symbols: dict[str, Any] = {"machines": list(machines.values()), "subtest": subtest}
    try:
        exec(compile(text, SCRIPT.name, "exec"), symbols)
    except AssertionError as error:
        names.append(str(error))
    return names


def test_the_script_reports_each_check_as_a_subtest_and_fails_at_its_end(
    example: Plan, keys: Path, machines: dict[str, Machine]
) -> None:
    first, *checks, verdict = run_script(machines, keys)
    assert first == "every machine is up, and mail can flow"
    assert checks == [f"{check.group}: {check.title}" for check in checks_for(example) if check.id not in NOT_HERE]
    assert verdict.startswith("failed: inbound-ipv4, ")
