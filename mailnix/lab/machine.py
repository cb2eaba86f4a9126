"""A machine of the lab: started, stopped, killed, and asked to do things; every wait says what it waits for.

The vocabulary is that of the NixOS test driver. Everything here raises LabError, with the guest's last console lines.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from attrs import define, field

from mailnix.errors import LabError
from mailnix.lab import commands, signs
from mailnix.lab.commands import BOOT_TIMEOUT, COMMAND_TIMEOUT, short
from mailnix.lab.console import Console
from mailnix.lab.guest import AgentGone, AgentRefused, GuestAgent, Result
from mailnix.lab.hypervisor import Hypervisor
from mailnix.lab.qmp import Qmp
from mailnix.lab.signs import Signs
from mailnix.lab.spec import Accel, MachinePaths, MachineSpec
from mailnix.lab.waiting import REAL_CLOCK, Clock, Wait

POWER_OFF_TIMEOUT = 120.0


@define(eq=False)
class Machine:
    """One machine and its QEMU. As a context manager it is started at the beginning and killed at the end.

    A `tied` machine dies with this Python, however that ends; a lab that is to outlive it is not tied. The QEMU process
    is found again by its pid file, so another process may make a Machine of the same spec and paths and use it.
    Every wait lasts as long as this machine moves, or one of its `company`.
    """

    spec: MachineSpec
    paths: MachinePaths
    accel: Accel = Accel.TCG
    tied: bool = True
    clock: Clock = REAL_CLOCK
    company: Sequence[Machine] = field(default=(), init=False, repr=False)
    qemu: Hypervisor = field(init=False)
    console: Console = field(init=False)
    agent: GuestAgent = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.qemu = Hypervisor(self.spec, self.paths, self.accel, self.tied, self.clock)
        self.console = Console(self.paths.console_log)
        self.agent = GuestAgent(self.paths.agent, self.check, self.wait)

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
        self.agent.close()
        self.console.new_boot()
        self.qemu.start(resume)

    def is_running(self) -> bool:
        """Whether it is switched on."""
        return self.qemu.is_running()

    def kill(self) -> None:
        """Cut its power: QEMU is killed and the guest notices nothing. Does nothing where it is off."""
        self.agent.close()
        self.qemu.kill()

    def power_off(self, timeout: float = POWER_OFF_TIMEOUT) -> None:
        """Shut the guest down in order and wait for its end."""
        if not self.is_running():
            return
        try:
            self.agent.ping(5)
            with contextlib.suppress(AgentGone):  # it says nothing when all goes well
                self.agent.ask("guest-shutdown", {"mode": "powerdown"}, timeout=5)
        except (AgentGone, AgentRefused):
            self.press_power_button()
        wait = self.wait(timeout)
        for _ in wait.attempts():
            if not self.is_running():
                self.kill()  # for what it leaves: pid file, zombie, connection
                return
        raise self.error(f"did not power off within {wait.waited():.0f} s")

    def stop(self) -> None:
        """Shut it down in order if it lets us, else cut its power."""
        with contextlib.suppress(LabError):
            self.power_off(timeout=60)
        self.kill()

    def press_power_button(self) -> None:
        """Send the ACPI signal; what follows is the guest's business."""
        with self.qmp() as control:
            control.execute("system_powerdown")

    def qmp(self) -> contextlib.AbstractContextManager[Qmp]:
        """QEMU's control connection, for what this class has no word for."""
        return self.qemu.qmp()

    def inlet_port(self) -> int:
        """The port of our loopback that leads into it (see `Inlet`)."""
        with self.qmp() as control:
            table = str(control.execute("human-monitor-command", {"command-line": "info usernet"}))
        found = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", table)
        if found is None:
            raise self.error("QEMU has no way in", table.strip())
        return int(found[1])

    # asking it to do things

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = COMMAND_TIMEOUT) -> Result:
        """Run a shell command as root and give back how it ended, well or badly."""
        try:
            return self.agent.execute(command, stdin=stdin, timeout=timeout)
        except (AgentGone, AgentRefused) as error:
            raise self.error(f"{short(command)}: {error}") from error

    def succeed(self, command: str, *, stdin: bytes = b"", timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must end with status 0; gives its output."""
        return commands.output_of(self, command, self.execute(command, stdin=stdin, timeout=timeout))

    def fail(self, command: str, *, timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must not end with status 0; gives its output and error output."""
        result = self.execute(command, timeout=timeout)
        if result.ok:
            raise self.error(f"{short(command)} succeeded, and should not have")
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

    def type(self, line: str) -> None:
        """Type a line on its serial line, as who sits in front of it; returns when it is seen there."""
        before = self.console.text().count(line)
        with socket.socket(socket.AF_UNIX) as typist:
            typist.connect(str(self.paths.serial))
            typist.sendall(f"{line}\r".encode())
            for _ in self.wait(COMMAND_TIMEOUT).attempts():  # QEMU forgets what is not yet read when we hang up
                if self.console.text().count(line) > before:
                    return
                self.check()
        raise self.error(f"{line!r} was typed, and does not appear")

    # waiting

    def signs(self) -> Signs:
        """What shows that it is at work, or one of its company."""
        machines = self.company or (self,)
        return signs.together(signs.read(each.qemu.pid(), each.paths.console_log) for each in machines)

    def wait(self, timeout: float) -> Wait:
        """A wait that begins now and lasts as long as something moves, then for `timeout` seconds."""
        return Wait(timeout, self.clock, self.signs)

    def wait_for_guest(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until the guest agent answers: the guest is up far enough to be asked things."""
        try:
            self.agent.ping(timeout)
        except AgentGone as error:
            raise self.error(f"waiting for the guest agent: {error}") from error

    def wait_for_boot(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until systemd has worked off the jobs of its boot, well or badly."""
        commands.wait_for_boot(self, timeout)

    def wait_for_unit(self, unit: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until a systemd unit is active; fails at once where it failed or nothing will ever start it."""
        commands.wait_for_unit(self, unit, timeout)

    def wait_for_open_port(self, port: int, address: str = "", timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until something in the guest listens on a TCP port (of exactly this address, where one is given)."""
        condition = f"sport = :{port}" + (f" and src = {address}" if address else "")
        self.wait_until_succeeds(
            f"ss -Hltn {shlex.quote(condition)} | grep -q .", timeout, subject=f"a listener on {address or '*'}:{port}"
        )

    def wait_until_succeeds(self, command: str, timeout: float = BOOT_TIMEOUT, *, subject: str = "") -> str:
        """Run a command again and again until it ends with status 0; gives its output. `subject` is for the error."""
        return commands.wait_until_succeeds(self, command, timeout, subject)

    def wait_for_console(self, text: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until this boot's console shows a text."""
        wait = self.wait(timeout)
        for _ in wait.attempts():
            if text in self.console.text():
                return
            self.check()
        raise self.error(f"waiting for {text!r} on the console: not after {wait.waited():.0f} s")

    def check(self) -> None:
        """Raise LabError where waiting for this machine is pointless: it is off, or its boot went wrong."""
        dead_end = self.console.dead_end()
        if dead_end:
            raise self.error(dead_end)
        if not self.is_running():
            raise self.error("its QEMU is not running", self.qemu.said())

    def error(self, message: str, hint: str = "") -> LabError:
        """What to raise about this machine: named, and with its last console lines."""
        return LabError(f"{self.name}: {message}", hint, self.console.tail())


def acquaint(machines: Iterable[Machine]) -> None:
    """Machines of one lab: who waits for one of them may really wait for another."""
    company = tuple(machines)
    for machine in company:
        machine.company = company


def paths_for(name: str, state_dir: Path, sockets: Path) -> MachinePaths:
    """The MachinePaths of machine `name` in a lab whose folder is `state_dir`."""
    return MachinePaths(name, state_dir / name, sockets)
