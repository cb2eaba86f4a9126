"""A terminal on a machine of the lab, for people: its second console, where root is logged in when asked for."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import termios
import tty
from collections.abc import Iterator

from mailnix.errors import LabError
from mailnix.lab.machine import Machine

CONSOLE = "hvc0"
LEAVE = b"\x1d"
"""Ctrl-], as in telnet: everything else goes to the machine."""
CONNECT_TIMEOUT = 10.0

# getty and login take these two credentials (agetty(8), login(1)) from where units look for them, until the next boot.
# Given to every console from the start, each login would bring root's own systemd with it: seconds, in emulation.
LOG_IN = f"""\
loginctl list-sessions --no-legend | grep -q {CONSOLE} && exit
store=/run/credstore
mkdir -p -m 0700 $store
printf root >$store/agetty.autologin
printf yes >$store/login.noauth
systemctl restart serial-getty@{CONSOLE}
"""


def attach(machine: Machine, source: int | None = None, sink: int | None = None) -> None:
    """Join the terminal `source` and `sink` (default: ours) with the machine's, until Ctrl-] or its end."""
    source = sys.stdin.fileno() if source is None else source
    sink = sys.stdout.fileno() if sink is None else sink
    if not machine.is_running():
        raise LabError(f"{machine.name} is not running", "mailnix lab --keep CONFIG leaves a lab running")
    machine.succeed(LOG_IN)
    _tell_size(machine, sink)
    machine.agent.close()
    with socket.socket(socket.AF_UNIX) as far, _raw(source):
        far.settimeout(CONNECT_TIMEOUT)
        try:
            far.connect(str(machine.paths.terminal))
        except OSError as error:
            raise LabError(f"{machine.name}: no terminal: {error}") from error
        far.settimeout(None)
        with contextlib.suppress(ConnectionError):  # the machine is gone, and with it what there was to see
            far.sendall(b"\r")  # for a prompt: what was printed before now went nowhere
            _copy(far, source, sink)


def _copy(far: socket.socket, source: int, sink: int) -> None:
    while True:
        ready, _, _ = select.select([far.fileno(), source], [], [])
        if far.fileno() in ready:
            got = far.recv(4096)
            if not got:
                return
            os.write(sink, got)
        if source in ready:
            typed = os.read(source, 4096)
            before, leave, _ = typed.partition(LEAVE)
            far.sendall(before)
            if leave or not typed:
                return


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """A terminal that passes every key on, as it was before at the end; nothing where it is no terminal."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _tell_size(machine: Machine, descriptor: int) -> None:
    """A console has no size of its own, so full-screen programs would draw 80 by 24."""
    with contextlib.suppress(OSError, LabError):
        size = os.get_terminal_size(descriptor)
        if size.lines and size.columns:
            machine.execute(f"stty -F /dev/{CONSOLE} rows {size.lines} cols {size.columns}", timeout=5)
