"""Machines in a real QEMU, small enough to boot in a moment: a boot sector that writes to the serial port."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import run
from mailnix.errors import LabError
from mailnix.lab import accel, records, state
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.qemu_argv import UEFI
from mailnix.lab.spec import Accel, DiskFormat, Firmware, Inlet, MachineSpec, Nic
from mailnix.model.architecture import Architecture

pytestmark = pytest.mark.qemu

# BIOS code at 0x7c00: print what follows the code to COM1, then halt with interrupts on.
#   mov dx,0x3f8; mov si,text; again: cs lodsb; test al,al; jz stop; out dx,al; jmp again; stop: sti; hlt; jmp stop
CODE = bytes.fromhex("baf803 be137c 2eac 84c0 7403 ee ebf7 fb f4 ebfc".replace(" ", ""))


def boot_disk(path: Path, text: bytes) -> Path:
    assert len(CODE) == 0x13
    sector = (CODE + text + b"\0").ljust(510, b"\0") + b"\x55\xaa"
    path.write_bytes(sector.ljust(1 << 20, b"\0"))
    return path


def made(folder: Path, name: str, text: bytes = b"hello from the boot sector\r\n", **more: object) -> Machine:
    image = boot_disk(folder / f"{name}.raw", text)
    disk = overlay(image, folder / f"{name}.qcow2", base_format=DiskFormat.RAW)
    sockets = folder / "s"
    return Machine(MachineSpec(name, disk, memory=64, **more), paths_for(name, folder, sockets))  # type: ignore[arg-type]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    one = made(tmp_path, "one", nics=(Nic("cable", "one", "two"),))
    yield one
    one.kill()


def test_it_boots_is_killed_and_boots_again(machine: Machine) -> None:
    with machine:
        machine.wait_for_console("hello from the boot sector", timeout=60)
    assert not machine.is_running()
    with machine:
        machine.wait_for_console("hello from the boot sector", timeout=60)
    assert (machine.console.text().count("hello"), machine.console.older_log.read_text().count("hello")) == (1, 1)


def test_a_panic_is_noticed_long_before_the_time_is_over(tmp_path: Path) -> None:
    with (
        made(tmp_path, "one", b"Kernel panic - not syncing: VFS\r\n") as machine,
        pytest.raises(LabError, match="one: the kernel panicked"),
    ):
        machine.wait_for_guest(timeout=600)
    assert not machine.is_running()


def test_a_disk_that_is_none_is_said_in_qemus_words(tmp_path: Path) -> None:
    disk = tmp_path / "disk.qcow2"
    disk.write_text("not a disk")
    machine = Machine(MachineSpec("one", disk), paths_for("one", tmp_path, tmp_path / "s"))
    with pytest.raises(LabError, match=r"QEMU did not start: .*not in qcow2 format"):
        machine.start()
    assert not machine.is_running()


def test_another_process_finds_it_and_ends_exactly_it(machine: Machine, tmp_path: Path) -> None:
    other = made(tmp_path, "two", nics=(Nic("cable", "two", "one"),))
    with machine, other:
        records.write(tmp_path, records.of([machine]))
        assert records.stop(tmp_path) == ("one",)
        assert not machine.is_running()
        assert other.is_running()
        assert records.stop(tmp_path) == ()


@pytest.mark.parametrize("firmware", Firmware)
def test_a_saved_state_is_taken_up_again_more_than_once(tmp_path: Path, firmware: Firmware) -> None:
    if firmware is not Firmware.BIOS and not UEFI[Architecture.AMD64, firmware].code.exists():
        pytest.skip("ovmf is not installed")
    machine = made(tmp_path, "one", firmware=firmware)
    with machine:
        state.save([machine])
        state.save([machine])
    assert state.has_state(machine)
    assert not state.has_state(machine, "another")
    for _ in range(2):
        machine.start(resume=state.DEFAULT_TAG)
        with machine.qmp() as control:
            assert not control.execute("query-status")["running"]
            control.execute("cont")
            assert control.execute("query-status")["running"]
        machine.kill()


def test_a_state_that_was_never_saved_is_an_error_and_leaves_nothing_running(machine: Machine) -> None:
    with pytest.raises(LabError, match=r"one: snapshot-load: .*never"):
        state.resume([machine], "never")
    assert not machine.is_running()


def test_a_command_that_qemu_refuses_is_an_error(machine: Machine) -> None:
    with machine, machine.qmp() as control, pytest.raises(LabError, match="one: QEMU did not do no-such-command"):
        control.execute("no-such-command")


def test_a_way_in_is_a_port_that_was_free(tmp_path: Path) -> None:
    one, two = made(tmp_path, "one", inlet=Inlet(22)), made(tmp_path, "two", inlet=Inlet(22))
    with one, two:
        assert one.inlet_port() != two.inlet_port()
        with socket.create_connection(("127.0.0.1", one.inlet_port()), timeout=5):
            pass


def test_a_machine_without_a_way_in_says_so(machine: Machine) -> None:
    with machine, pytest.raises(LabError, match="one: QEMU has no way in"):
        machine.inlet_port()


def test_a_tied_machine_dies_with_its_python(machine: Machine, tmp_path: Path) -> None:
    records.write(tmp_path, records.of([machine]))
    script = (
        "import sys, time; from pathlib import Path; from mailnix.lab import records\n"
        "records.machines_of(records.read(Path(sys.argv[1])))['one'].start(); time.sleep(600)"
    )
    with run.spawn([sys.executable, "-c", script, tmp_path], tmp_path / "log") as python:
        deadline = time.monotonic() + 60
        while not machine.is_running() and time.monotonic() < deadline:
            python.wait(0.05)
        assert machine.is_running()
        os.kill(python.pid, signal.SIGKILL)
        python.wait(10)
        machine_ends = time.monotonic() + 10
        while machine.is_running() and time.monotonic() < machine_ends:
            python.wait(0.05)
        assert not machine.is_running()


def test_a_guest_that_reaches_systemd_is_the_proof_for_an_accelerator(tmp_path: Path) -> None:
    good = made(tmp_path, "good", b"systemd[1]: hello\r\n")
    bad = made(tmp_path, "bad", b"Kernel panic - not syncing\r\n")
    assert accel.why_not(good.spec.disk, Accel.TCG) == ""
    assert accel.why_not(bad.spec.disk, Accel.TCG) == "probe: the kernel panicked"
