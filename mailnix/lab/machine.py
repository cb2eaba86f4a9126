"""A machine of the lab: started, stopped, killed, and asked to do things; every wait says what it waits for.

The vocabulary is that of the NixOS test driver. Everything here raises LabError, with the guest's last console lines.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
from pathlib import Path
from types import TracebackType

from attrs import define, field

from mailnix import run
from mailnix.errors import LabError
from mailnix.lab import disks, pidfile, qmp, units
from mailnix.lab.console import Console
from mailnix.lab.guest import AgentGone, AgentRefused, GuestAgent, Result
from mailnix.lab.qemu_argv import QEMU, ROOT_NODE, qemu_argv, writable_nodes
from mailnix.lab.spec import LONGEST_SOCKET_PATH, Accel, Firmware, MachineSpec, Places
from mailnix.lab.waiting import REAL_CLOCK, Clock, attempts

BOOT_TIMEOUT = 300.0
"""Seconds for a boot in software emulation on a busy host; a guest that will never come up is noticed much earlier."""
COMMAND_TIMEOUT = 60.0
START_TIMEOUT = 60.0
LOAD_TIMEOUT = 120.0
POWER_OFF_TIMEOUT = 120.0


@define(eq=False)
class Machine:
    """One machine and its QEMU. As a context manager it is started at the beginning and killed at the end.

    A `tied` machine dies with this Python, however that ends; a lab that is to outlive it is not tied. The QEMU process
    is found again by its pid file, so another process may make a Machine of the same spec and places and use it.
    """

    spec: MachineSpec
    places: Places
    accel: Accel = Accel.TCG
    tied: bool = True
    clock: Clock = REAL_CLOCK
    console: Console = field(init=False)
    agent: GuestAgent = field(init=False)
    _spawned: run.Spawned | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.console = Console(self.places.console_log)
        self.agent = GuestAgent(self.places.agent, self.check)

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    # its life

    def start(self, *, resume: str = "") -> None:
        """Switch it on (or load the saved state `resume` and stay paused); returns when QEMU runs, not the guest."""
        if self.is_running():
            raise LabError(f"{self.name} runs already", "mailnix lab stop ends it")
        self._prepare()
        argv = qemu_argv(self.spec, self.places, self.accel, paused=bool(resume))
        run.require(QEMU, "qemu-system-x86")
        self._spawned = run.start((*self._tie(), *argv), self.places.qemu_log)
        entry = pidfile.record(self._spawned.pid, self._word())
        if entry is not None:
            pidfile.write(self.places.pid_file, entry)
        self._wait_for_qemu()
        if resume:
            self._load(resume)

    def is_running(self) -> bool:
        """Whether its QEMU process exists."""
        entry = pidfile.read(self.places.pid_file)
        return entry is not None and entry.word == self._word() and pidfile.is_running(entry)

    def kill(self) -> None:
        """Cut its power: QEMU is killed and the guest notices nothing. Does nothing where it does not run."""
        self.agent.close()
        entry = pidfile.read(self.places.pid_file)
        if entry is not None and entry.word == self._word():
            pidfile.end(entry, now=True)
        self._reap()
        self.places.pid_file.unlink(missing_ok=True)

    def power_off(self, timeout: float = POWER_OFF_TIMEOUT) -> None:
        """Shut the guest down in order and wait for its end."""
        if not self.is_running():
            return
        try:
            self.agent.ask("guest-sync", {"id": 1}, timeout=5)
            with contextlib.suppress(AgentGone):  # it answers nothing, or goes before it does
                self.agent.ask("guest-shutdown", {"mode": "powerdown"}, timeout=5)
        except (AgentGone, AgentRefused):
            self.press_power_button()
        for _ in attempts(timeout, self.clock):
            if not self.is_running():
                self.kill()
                return
        raise self.error(f"did not power off within {timeout:.0f} s")

    def stop(self) -> None:
        """Shut it down in order if it lets us, else cut its power."""
        with contextlib.suppress(LabError):
            self.power_off(timeout=60)
        self.kill()

    def press_power_button(self) -> None:
        """Send the ACPI signal; what follows is the guest's business."""
        with self.qmp() as control:
            control.execute("system_powerdown")

    def qmp(self) -> contextlib.AbstractContextManager[qmp.Qmp]:
        """QEMU's control connection, for what this class has no word for."""
        return qmp.connect(self.name, self.places.qmp)

    # asking it to do things

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = COMMAND_TIMEOUT) -> Result:
        """Run a shell command as root and give back how it ended, well or badly."""
        try:
            return self.agent.execute(command, stdin=stdin, timeout=timeout)
        except (AgentGone, AgentRefused) as error:
            raise self.error(f"{_short(command)}: {error}") from error

    def succeed(self, command: str, *, stdin: bytes = b"", timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must end with status 0; gives its output."""
        result = self.execute(command, stdin=stdin, timeout=timeout)
        if not result.ok:
            said = (result.stderr or result.stdout).strip()[-2000:]
            raise self.error(f"{_short(command)} failed with status {result.status}: {said}")
        return result.stdout

    def fail(self, command: str, *, timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must not end with status 0; gives its output and error output."""
        result = self.execute(command, timeout=timeout)
        if result.ok:
            raise self.error(f"{_short(command)} succeeded, and should not have")
        return result.stdout + result.stderr

    def read_file(self, path: str) -> bytes:
        """A file of the guest."""
        try:
            return self.agent.read_file(path)
        except (AgentGone, AgentRefused) as error:
            raise self.error(f"reading {path}: {error}") from error

    def write_file(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        """Make or replace a file of the guest, with the folders above it."""
        quoted = shlex.quote(path)
        self.succeed(f'mkdir -p "$(dirname {quoted})" && : >> {quoted} && chmod {mode:o} {quoted}')
        try:
            self.agent.write_file(path, content.encode() if isinstance(content, str) else content)
        except (AgentGone, AgentRefused) as error:
            raise self.error(f"writing {path}: {error}") from error

    # waiting

    def wait_for_guest(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until the guest agent answers: the guest is up far enough to be asked things."""
        try:
            self.agent.ping(timeout)
        except AgentGone as error:
            raise self.error(f"waiting for the guest agent: {error}") from error

    def wait_for_unit(self, unit: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until a systemd unit is active; fails at once where it failed or nothing will ever start it."""
        state = units.UnitState()
        for _ in attempts(timeout, self.clock, longest=1.0):
            state = units.parse(self.succeed(units.question(unit)))
            if state.is_active:
                return
            if state.is_hopeless:
                journal = self.execute(f"journalctl -b -u {shlex.quote(unit)} -n 20 --no-pager -o cat").stdout
                raise self.error(f"waiting for {unit}: it is {state}", journal)
        raise self.error(f"waiting for {unit}: still {state} after {timeout:.0f} s")

    def wait_for_open_port(self, port: int, address: str = "", timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until something in the guest listens on a TCP port (of exactly this address, where one is given)."""
        condition = f"sport = :{port}" + (f" and src = {address}" if address else "")
        self.wait_until_succeeds(
            f"ss -Hltn {shlex.quote(condition)} | grep -q .", timeout, subject=f"a listener on {address or '*'}:{port}"
        )

    def wait_until_succeeds(self, command: str, timeout: float = BOOT_TIMEOUT, *, subject: str = "") -> str:
        """Run a command again and again until it ends with status 0; gives its output. `subject` is for the error."""
        said = ""
        for left in attempts(timeout, self.clock, longest=1.0):
            result = self.execute(command, timeout=max(left, 1.0) + COMMAND_TIMEOUT)
            if result.ok:
                return result.stdout
            said = (result.stderr or result.stdout).strip()[-500:]
        raise self.error(f"waiting for {subject or _short(command)}: not after {timeout:.0f} s {said}".rstrip())

    def wait_for_console(self, text: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until this boot's console shows a text."""
        for _ in attempts(timeout, self.clock):
            if text in self.console.text():
                return
            self.check()
        raise self.error(f"waiting for {text!r} on the console: not after {timeout:.0f} s")

    def check(self) -> None:
        """Raise LabError where waiting for this machine is pointless: it is off, or its boot went wrong."""
        dead_end = self.console.dead_end()
        if dead_end:
            raise self.error(dead_end)
        if not self.is_running():
            raise self.error("its QEMU is not running", self._qemu_said())

    def error(self, message: str, hint: str = "") -> LabError:
        """What to raise about this machine: named, and with its last console lines."""
        return LabError(f"{self.name}: {message}", hint, self.console.tail())

    # inside

    def _prepare(self) -> None:
        for folder in (self.places.home, self.places.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.places.sockets.stat().st_uid != os.getuid() or self.places.sockets.stat().st_mode & 0o077:
            raise LabError(f"{self.places.sockets} is open to others", "remove that folder")
        self._check_socket_paths()
        if self.spec.firmware is Firmware.UEFI:
            disks.firmware_vars(self.places.firmware_vars)
        self.agent.close()
        self.console.new_boot()
        for stale in (self.places.qemu_log, self.places.qmp):
            stale.unlink(missing_ok=True)

    def _load(self, tag: str) -> None:
        # Not by -loadvm: that looks for the memory in the first disk it finds, which under UEFI is the firmware's.
        nodes = list(writable_nodes(self.spec))
        try:
            with self.qmp() as control:
                control.job("snapshot-load", {"tag": tag, "vmstate": ROOT_NODE, "devices": nodes}, LOAD_TIMEOUT)
        except BaseException:
            self.kill()
            raise

    def _check_socket_paths(self) -> None:
        links = [path for nic in self.spec.nics for path in (self.places.link(nic), self.places.far_link(nic))]
        for path in (self.places.qmp, self.places.agent, self.places.terminal, *links):
            if len(str(path).encode()) > LONGEST_SOCKET_PATH:
                raise LabError(f"{path} is too long for a socket", "give a shorter --state-dir")

    def _tie(self) -> tuple[str, ...]:
        # The kernel sends the signal when the *thread* ends that started the process, so only the main one may tie.
        if not self.tied or threading.current_thread() is not threading.main_thread():
            return ()
        return (run.require("setpriv", "util-linux"), "--pdeathsig", "KILL")

    def _word(self) -> str:
        """A word of the argv that no other process has: it holds the path of this machine's own socket."""
        argv = qemu_argv(self.spec, self.places, self.accel)
        return next(word for word in argv if word.startswith("socket,id=qmp,"))

    def _wait_for_qemu(self) -> None:
        for _ in attempts(START_TIMEOUT, self.clock, longest=0.1):
            if not self.is_running():
                self._reap()
                raise LabError(f"{self.name}: QEMU did not start: {self._qemu_said()}", f"see {self.places.qemu_log}")
            if self.places.qmp.exists():
                with contextlib.suppress(LabError), self.qmp():
                    return
        self.kill()
        raise LabError(f"{self.name}: QEMU does not answer", f"see {self.places.qemu_log}")

    def _qemu_said(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.places.qemu_log.read_text(errors="replace").splitlines()
            return next((line for line in reversed(lines) if line and "warning:" not in line), "")
        return ""

    def _reap(self) -> None:
        if self._spawned is not None:
            self._spawned.wait(5)
            self._spawned = None


def _short(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= 80 else line[:79] + "…"


def places_for(name: str, home: Path, sockets: Path) -> Places:
    """The Places of machine `name` in a lab whose folder is `home`."""
    return Places(name, home / name, sockets)
