import os
import pty
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.errors import LabError
from mailnix.lab import shell
from mailnix.lab.machine import Machine
from mailnix.lab.spec import MachinePaths, MachineSpec
from tests.lab.agents import FakeAgent


@pytest.fixture
def terminal(machine: Machine, guest: FakeAgent) -> Iterator[socket.socket]:
    guest.commands[shell.LOG_IN] = (0, b"", b"")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(machine.paths.terminal))
        server.listen()
        server.settimeout(10)
        yield server


def read_until(connection: socket.socket, text: bytes) -> bytes:
    got = b""
    while text not in got:
        got += connection.recv(100)
    return got


def test_what_is_typed_goes_there_and_what_is_printed_comes_back(machine: Machine, terminal: socket.socket) -> None:
    ours, theirs = pty.openpty()
    attached = threading.Thread(target=shell.attach, args=(machine, theirs, theirs), daemon=True)
    attached.start()
    far, _ = terminal.accept()
    far.settimeout(10)
    far.sendall(b"proxy# ")
    assert os.read(ours, 7) == b"proxy# "
    os.write(ours, b"ls\x03")
    assert read_until(far, b"\x03").endswith(b"ls\x03")
    os.write(ours, b"x" + shell.LEAVE)
    attached.join(10)
    assert not attached.is_alive()


def test_the_end_of_the_machine_ends_the_shell(machine: Machine, terminal: socket.socket) -> None:
    source, _ = os.pipe()
    _, sink = os.pipe()
    attached = threading.Thread(target=shell.attach, args=(machine, source, sink), daemon=True)
    attached.start()
    far, _ = terminal.accept()
    far.close()
    attached.join(10)
    assert not attached.is_alive()


def test_a_machine_that_is_off_has_no_shell(tmp_path: Path) -> None:
    off = Machine(MachineSpec("proxy", tmp_path / "disk"), MachinePaths("proxy", tmp_path, tmp_path))
    with pytest.raises(LabError, match="proxy is not running"):
        shell.attach(off, 0, 1)
