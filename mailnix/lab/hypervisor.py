"""One QEMU process: started, found again, ended, and never left behind."""

from __future__ import annotations

import contextlib
import os
import threading

from attrs import define, field

from mailnix import run
from mailnix.errors import LabError
from mailnix.lab import disks, pidfile, qmp, signs
from mailnix.lab.qemu_argv import QEMU_PACKAGES, ROOT_NODE, program, qemu_argv, writable_nodes
from mailnix.lab.spec import LONGEST_SOCKET_PATH, Accel, Firmware, MachinePaths, MachineSpec
from mailnix.lab.waiting import REAL_CLOCK, Clock, Wait

START_TIMEOUT = 60.0
LOAD_TIMEOUT = 600.0


@define(eq=False)
class Hypervisor:
    """The QEMU of one machine. The process is recognised by its pid file, so any mailnix may ask about it or end it.

    `tied` is for a machine that dies with this Python, however that ends.
    """

    spec: MachineSpec
    paths: MachinePaths
    accel: Accel
    tied: bool
    clock: Clock = REAL_CLOCK
    _spawned: run.Spawned | None = field(default=None, init=False)

    def start(self, resume: str = "") -> None:
        """Start it and wait for QMP; where a saved state `resume` is named, load it and stay paused."""
        self._prepare()
        run.require(program(self.spec), QEMU_PACKAGES[self.spec.architecture])
        argv = qemu_argv(self.spec, self.paths, self.accel, paused=bool(resume))
        try:
            self._spawned = run.start((*self._tie(), *argv), self.paths.qemu_log)
            entry = pidfile.record(self._spawned.pid, self._word())
            if entry is not None:
                pidfile.write(self.paths.pid_file, entry)
            self._wait_for_qmp()
            if resume:
                self._load(resume)
        except BaseException:
            self.kill()
            raise

    def is_running(self) -> bool:
        """Whether exactly this machine's process exists."""
        return self._entry() is not None

    def pid(self) -> int | None:
        """The id of this machine's process; None where there is none."""
        entry = self._entry()
        return None if entry is None else entry.pid

    def kill(self) -> None:
        """End the process at once; the guest notices nothing. Does nothing where there is none."""
        entry = self._entry()
        if entry is not None:
            pidfile.end(entry, now=True)
        if self._spawned is not None:
            run.end(self._spawned)
            self._spawned.wait(5)
            self._spawned = None
        self.paths.pid_file.unlink(missing_ok=True)

    def qmp(self) -> contextlib.AbstractContextManager[qmp.Qmp]:
        """Its control connection."""
        return qmp.connect(self.spec.name, self.paths.qmp)

    def said(self) -> str:
        """The last thing QEMU complained about."""
        try:
            lines = self.paths.qemu_log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line for line in reversed(lines) if line and "warning:" not in line), "")

    def _prepare(self) -> None:
        for folder in (self.paths.state_dir, self.paths.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.paths.sockets.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise LabError(f"{self.paths.sockets} is open to others", "remove that folder")
        links = [path for nic in self.spec.nics for path in (self.paths.link(nic), self.paths.far_link(nic))]
        for path in (self.paths.qmp, self.paths.agent, self.paths.terminal, *links):
            if len(str(path).encode()) > LONGEST_SOCKET_PATH:
                raise LabError(f"{path} is too long for a socket", "use a folder with a shorter path")
        if self.spec.firmware is not Firmware.BIOS:
            disks.firmware_vars(self.spec, self.paths.firmware_vars)
        for stale in (self.paths.qemu_log, self.paths.qmp):
            stale.unlink(missing_ok=True)

    def _tie(self) -> tuple[str, ...]:
        # The kernel sends the signal when the *thread* ends that started the process, so only the main one may tie.
        if not self.tied or threading.current_thread() is not threading.main_thread():
            return ()
        return (run.require("setpriv", "util-linux"), "--pdeathsig", "KILL")

    def _word(self) -> str:
        """A word of the argv that no other process has: it holds the path of this machine's own socket."""
        argv = qemu_argv(self.spec, self.paths, self.accel)
        return next(word for word in argv if word.startswith("socket,id=qmp,"))

    def _entry(self) -> pidfile.ProcessRecord | None:
        entry = pidfile.read(self.paths.pid_file)
        return entry if entry and entry.word == self._word() and pidfile.is_running(entry) else None

    def _wait_for_qmp(self) -> None:
        name = self.spec.name
        wait = Wait(START_TIMEOUT, self.clock, lambda: signs.read(self.pid(), self.paths.console_log))
        for _ in wait.attempts(longest=0.1):
            if not self.is_running():
                raise LabError(f"{name}: QEMU did not start: {self.said()}", f"see {self.paths.qemu_log}")
            if self.paths.qmp.exists():
                with contextlib.suppress(LabError), self.qmp():
                    return
        raise LabError(f"{name}: QEMU does not answer", f"see {self.paths.qemu_log}")

    def _load(self, tag: str) -> None:
        # Not by -loadvm: that looks for the memory in the first disk it finds, which under UEFI is the firmware's.
        nodes = list(writable_nodes(self.spec))
        with self.qmp() as control:
            control.job("snapshot-load", {"tag": tag, "vmstate": ROOT_NODE, "devices": nodes}, LOAD_TIMEOUT)
