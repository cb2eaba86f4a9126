import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import run
from mailnix.lab import pidfile
from mailnix.lab.machine import Machine
from mailnix.lab.qemu_argv import qemu_argv
from mailnix.lab.spec import MachinePaths, MachineSpec
from tests.lab.agents import FakeAgent, fake_agent


@pytest.fixture
def agent_path(tmp_path: Path) -> Path:
    return tmp_path / "agent"


@pytest.fixture
def fake(agent_path: Path) -> Iterator[FakeAgent]:
    with fake_agent(agent_path) as agent:
        yield agent


SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine whose QEMU is a sleeping Python with the right argv, and whose agent is a fake."""
    paths = MachinePaths("proxy", tmp_path, tmp_path)
    made = Machine(MachineSpec("proxy", tmp_path / "disk"), paths)
    with run.spawn([sys.executable, "-c", SLEEP, *qemu_argv(made.spec, paths, made.accel)], tmp_path / "log") as qemu:
        entry = pidfile.record(qemu.pid, next(word for word in qemu.argv if "id=qmp," in word))
        assert entry is not None
        pidfile.write(paths.pid_file, entry)
        yield made


@pytest.fixture
def guest(machine: Machine) -> Iterator[FakeAgent]:
    with fake_agent(machine.paths.agent) as agent:
        yield agent
