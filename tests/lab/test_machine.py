import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailnix.errors import LabError
from mailnix.lab.machine import Machine
from mailnix.lab.spec import MachinePaths, MachineSpec, Nic
from mailnix.lab.units import show_command
from tests.lab.agents import FakeAgent


def unit(active: str, load: str = "loaded") -> tuple[int, bytes, bytes]:
    return 0, f"LoadState={load}\nActiveState={active}\nSubState=x\nJob=\nPending=0\n".encode(), b""


def test_succeed_gives_what_was_printed(machine: Machine, guest: FakeAgent) -> None:
    guest.commands["hostname"] = (0, b"proxy\n", b"")
    assert machine.succeed("hostname") == "proxy\n"


def test_a_command_that_fails_is_an_error_with_what_it_said(machine: Machine, guest: FakeAgent) -> None:
    guest.commands["nft -c"] = (1, b"", b"syntax error\n")
    machine.paths.console_log.write_text("last words\n")
    with pytest.raises(LabError, match=r"^proxy: nft -c failed with status 1: syntax error$") as caught:
        machine.succeed("nft -c")
    assert caught.value.console == "last words"


def test_a_command_that_should_fail_and_does_not_is_an_error(machine: Machine, guest: FakeAgent) -> None:
    guest.commands["ls"] = (0, b"", b"")
    guest.commands["no"] = (1, b"a", b"b")
    assert machine.fail("no") == "ab"
    with pytest.raises(LabError, match="should not have"):
        machine.fail("ls")


def test_a_unit_that_runs_is_waited_for(machine: Machine, guest: FakeAgent) -> None:
    guest.commands[show_command("caddy.service")] = unit("active")
    machine.wait_for_unit("caddy.service")


def test_a_failed_unit_ends_the_waiting_and_shows_its_journal(machine: Machine, guest: FakeAgent) -> None:
    guest.commands[show_command("caddy.service")] = unit("failed")
    guest.commands["journalctl -b -u caddy.service -n 20 --no-pager -o cat"] = (0, b"bad Caddyfile", b"")
    with pytest.raises(LabError, match=r"proxy: waiting for caddy\.service: it is failed") as caught:
        machine.wait_for_unit("caddy.service", timeout=600)
    assert caught.value.hint == "bad Caddyfile"


def test_a_unit_that_takes_too_long_is_named(machine: Machine, guest: FakeAgent) -> None:
    guest.commands[show_command("caddy.service")] = unit("activating")
    with pytest.raises(LabError, match=r"waiting for caddy\.service: still activating \(x\) after 0 s"):
        machine.wait_for_unit("caddy.service", timeout=0.1)


def test_an_open_port_is_asked_of_ss(machine: Machine, guest: FakeAgent) -> None:
    guest.commands["ss -Hltn 'sport = :25' | grep -q ."] = (0, b"", b"")
    guest.commands["ss -Hltn 'sport = :2526 and src = 10.0.0.1' | grep -q ."] = (1, b"", b"")
    machine.wait_for_open_port(25)
    with pytest.raises(LabError, match=r"waiting for a listener on 10\.0\.0\.1:2526: not after 0 s"):
        machine.wait_for_open_port(2526, "10.0.0.1", timeout=0.1)


def test_a_panic_ends_every_waiting_at_once(machine: Machine, guest: FakeAgent) -> None:
    guest.commands["false"] = (1, b"", b"")
    machine.paths.console_log.write_text("Kernel panic - not syncing: Fatal exception\n")
    for wait in (
        lambda: machine.wait_until_succeeds("false", 600),
        lambda: machine.wait_for_guest(600),
        lambda: machine.wait_for_console("login:", 600),
    ):
        with pytest.raises(LabError, match=r"^proxy: the kernel panicked$") as caught:
            wait()
        assert "Fatal exception" in caught.value.console


def test_a_machine_that_is_off_is_not_waited_for(tmp_path: Path) -> None:
    off = Machine(MachineSpec("proxy", tmp_path / "disk"), MachinePaths("proxy", tmp_path, tmp_path))
    with pytest.raises(LabError, match="its QEMU is not running"):
        off.wait_for_guest(600)


def test_files_go_both_ways_with_their_folder_and_mode(machine: Machine, guest: FakeAgent) -> None:
    made = "mkdir -p \"$(dirname '/etc/a b/c')\" && : >> '/etc/a b/c' && chmod 600 '/etc/a b/c'"
    guest.commands[made] = (0, b"", b"")
    machine.write_file("/etc/a b/c", "héllo", 0o600)
    assert machine.read_file("/etc/a b/c") == "héllo".encode()


def test_a_file_that_is_not_there_is_named(machine: Machine, guest: FakeAgent) -> None:
    with pytest.raises(LabError, match=r"proxy: reading /nowhere: "):
        machine.read_file("/nowhere")


def test_a_machine_that_runs_is_not_started_twice(machine: Machine) -> None:
    with pytest.raises(LabError, match="proxy runs already"):
        machine.start()


def test_killing_ends_its_process_and_nothing_is_left(machine: Machine) -> None:
    assert machine.is_running()
    machine.kill()
    assert not machine.is_running()
    assert not machine.paths.pid_file.exists()
    machine.kill()


def test_a_socket_path_that_is_too_long_is_said_before_qemu_does(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    nic = Nic("home", "proxy", "internet")
    long = Machine(MachineSpec("proxy", tmp_path / "disk", nics=(nic,)), MachinePaths("proxy", tmp_path, deep))
    with pytest.raises(LabError, match="too long for a socket"):
        long.start()


def test_sockets_are_not_put_where_others_may_look(tmp_path: Path) -> None:
    sockets = tmp_path / "open"
    sockets.mkdir()
    sockets.chmod(0o755)
    exposed = Machine(MachineSpec("proxy", tmp_path / "disk"), MachinePaths("proxy", tmp_path, sockets))
    with pytest.raises(LabError, match="open to others"):
        exposed.start()


@contextmanager
def serial_line(paths: MachinePaths, *, echoes: bool) -> Iterator[list[bytes]]:
    """What stands behind QEMU's socket; gives what was typed."""
    typed: list[bytes] = []

    def listen(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            typed.append(connection.recv(100))
            if echoes:
                paths.console_log.write_bytes(paths.console_log.read_bytes() + typed[0])
            connection.recv(1)  # until the typist is gone

    paths.console_log.write_text("Which disk (vda)? ")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(paths.serial))
        server.listen()
        thread = threading.Thread(target=listen, args=(server,))
        thread.start()
        yield typed
        thread.join()


def test_a_line_is_typed_as_a_keyboard_does_and_waited_for(machine: Machine) -> None:
    with serial_line(machine.paths, echoes=True) as typed:
        machine.type("vda")
    assert typed == [b"vda\r"]
    assert machine.console.text().count("vda") == 2
