"""Ways into a machine as ssh takes them: each call a connection of its own, or one that calls share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.run import Runner, run
from mailnix.ssh import Way, argv

ALIVE: Final = ("-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4")
ALONE: Final = ("-o", "ControlPath=none")
SHARED_FOR: Final = 120  # seconds without a call


@frozen
class Door:
    """A way in, and whether one is root there only by sudo."""

    way: Way
    sudo: bool = False

    def argv(self, words: Sequence[str], sockets: Path | None = None) -> tuple[str, ...]:
        """The call that runs a program there as root; by a connection that is shared, where there is a folder for it.

        A jump host's is not: it would stay open for as long as this one does.
        """
        command = shlex.join((*(("sudo", "-n") if self.sudo else ()), *words))
        shared = () if sockets is None else _shared(sockets)
        return argv(self.way, command, (*ALIVE, *ALONE), shared)


def _shared(sockets: Path) -> tuple[str, ...]:
    path = f"ControlPath={sockets}/%C"  # a socket's path has 108 bytes at most (unix(7))
    return ("-o", "ControlMaster=auto", "-o", path, "-o", f"ControlPersist={SHARED_FOR}")


def end_shared(sockets: Path, runner: Runner = run) -> None:
    """End the connections of a folder, which would stay open for a while."""
    for path in sockets.iterdir():
        if path.is_socket():
            runner(("ssh", "-o", f"ControlPath={path}", "-O", "exit", "any"), check=False)
