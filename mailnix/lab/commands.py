"""What is done with commands on any guest in the same way, whoever drives it: ask, and ask until it is so."""

from __future__ import annotations

import shlex
from typing import Final, Protocol

from mailnix.errors import LabError
from mailnix.lab import units
from mailnix.lab.guest import Result
from mailnix.lab.signs import Signs
from mailnix.lab.waiting import Clock, Wait

BOOT_TIMEOUT: Final = 300.0
"""Seconds in which nothing moves; a guest that will never come up is noticed much earlier."""
COMMAND_TIMEOUT: Final = 60.0
LONGEST_PAUSE: Final = 1.0
PATIENCE: Final = 0.05
"""See `attempts`."""


class Commanded(Protocol):
    """A machine that runs shell commands as root."""

    @property
    def clock(self) -> Clock:
        """The time that waiting goes by."""
        ...

    def signs(self) -> Signs:
        """What shows that it, or what it waits for, is at work."""
        ...

    def execute(self, command: str, *, timeout: float = ...) -> Result:
        """Run a command to its end, good or bad."""
        ...

    def error(self, message: str, hint: str = "") -> LabError:
        """What to raise about this machine: named, and with what it showed last."""
        ...


def short(command: str) -> str:
    """A command on one line of at most 80 characters, for messages."""
    line = " ".join(command.split())
    return line if len(line) <= 80 else line[:79] + "…"


def output_of(guest: Commanded, command: str, result: Result) -> str:
    """What a command that must have succeeded printed; raises the guest's error."""
    if not result.ok:
        said = (result.stderr or result.stdout).strip()[-2000:]
        raise guest.error(f"{short(command)} failed with status {result.status}: {said}")
    return result.stdout


def wait_for_boot(guest: Commanded, timeout: float = BOOT_TIMEOUT) -> None:
    """Wait until systemd has worked off the jobs of its boot, well or badly; its own signal says so."""
    guest.execute("systemctl is-system-running --wait", timeout=timeout)


def wait_for_unit(guest: Commanded, unit: str, timeout: float = BOOT_TIMEOUT) -> None:
    """Wait until a systemd unit is active; fails at once where it failed or nothing will ever start it."""
    state = units.UnitState()
    command = units.show_command(unit)
    wait = Wait(timeout, guest.clock, guest.signs)
    for _ in wait.attempts(longest=LONGEST_PAUSE, patience=PATIENCE):
        state = units.parse(output_of(guest, command, guest.execute(command, timeout=COMMAND_TIMEOUT)))
        if state.is_active:
            return
        if state.is_hopeless:
            journal = guest.execute(f"journalctl -b -u {shlex.quote(unit)} -n 20 --no-pager -o cat").stdout
            raise guest.error(f"waiting for {unit}: it is {state}", journal)
    raise guest.error(f"waiting for {unit}: still {state} after {wait.waited():.0f} s")


def wait_until_succeeds(guest: Commanded, command: str, timeout: float = BOOT_TIMEOUT, subject: str = "") -> str:
    """Run a command again and again until it ends with status 0; gives its output. `subject` is for the error."""
    said = ""
    wait = Wait(timeout, guest.clock, guest.signs)
    for left in wait.attempts(longest=LONGEST_PAUSE, patience=PATIENCE):
        result = guest.execute(command, timeout=max(left, 1.0) + COMMAND_TIMEOUT)
        if result.ok:
            return result.stdout
        said = (result.stderr or result.stdout).strip()[-500:]
    raise guest.error(f"waiting for {subject or short(command)}: not after {wait.waited():.0f} s {said}".rstrip())
