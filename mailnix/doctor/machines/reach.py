"""How machines are asked: by SSH; a lab has ways of its own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from attrs import frozen

from mailnix import ssh
from mailnix.deploy.doors import ALIVE, ALONE
from mailnix.errors import CommandFailed, MailnixError
from mailnix.plan import Plan
from mailnix.run import Completed, Runner, run
from mailnix.ssh import SSH_FAILED, Way, failure, sent_elsewhere

PATIENCE: Final = 240.0
"""Seconds for a machine's answers, which itself gives up after 150, and for two logins on the way."""


class NotReached(MailnixError):
    """Nobody could be asked there, or something else answered."""


class Door(Protocol):
    """A way to run a program on a machine as root; tests and labs have their own."""

    @property
    def name(self) -> str:
        """For people: where it leads."""
        ...

    def ask(self, words: Sequence[str], stdin: bytes) -> str:
        """What the program prints; raises MailnixError (NotReached) where it was not run to its end."""
        ...


@frozen
class SshDoor:
    """The first of several ways by SSH that leads to the machine; each call is one session."""

    host: str
    ways: tuple[Way, ...]
    runner: Runner = run

    @property
    def name(self) -> str:
        """The first way."""
        return str(self.ways[0]) if self.ways else self.host

    def ask(self, words: Sequence[str], stdin: bytes) -> str:
        """See Door. What ssh itself could not do is tried by the next way, what the machine did not do is not."""
        first: NotReached | None = None
        for way in self.ways:
            try:
                return self._by(way, words, stdin).stdout
            except CommandFailed as error:
                to = f"--to {self.host}="
                if error.status not in (None, SSH_FAILED):
                    said = sent_elsewhere(error.last_lines, way, to)
                    raise NotReached(said.message, said.hint) from None
                found = failure(error, self.host, way, to)
                first = first or NotReached(found.message, found.hint)
        raise first or NotReached(
            f"nobody knows where {self.host} is reached by SSH", f"say so: --to {self.host}=root@ADDRESS"
        )

    def _by(self, way: Way, words: Sequence[str], stdin: bytes) -> Completed:
        call = ssh.argv(way, shlex.join(words), (*ALIVE, *ALONE))
        return self.runner(call, stdin=stdin, timeout=PATIENCE)


class Guest(Protocol):
    """A lab's machine, as far as it is asked: mailnix.lab.machine.Machine."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def succeed(self, command: str, *, stdin: bytes = ..., timeout: float = ...) -> str:
        """Run a shell command as root, which must end with status 0; gives its output, raises MailnixError."""
        ...


@frozen
class GuestDoor:
    """The guest channel of a lab's machine, which is there also where no network is."""

    guest: Guest

    @property
    def name(self) -> str:
        """The machine's."""
        return self.guest.name

    def ask(self, words: Sequence[str], stdin: bytes) -> str:
        """See Door."""
        return self.guest.succeed(shlex.join(words), stdin=stdin, timeout=PATIENCE)


def door(plan: Plan, host: str, targets: Mapping[str, str], config: Path | None) -> SshDoor:
    """By SSH as `mailnix deploy` goes there: where somebody said, or as the plan says."""
    if host in targets:
        return SshDoor(host, (Way(targets[host], config=config),))
    return SshDoor(host, ssh.ways(plan, host, config))
