"""systemd's place beside the machine: its units are the containers here, and the programs that mailnix ships."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from socketserver import StreamRequestHandler
from typing import Final

from mailnix.errors import MailnixError
from mailnix.services.mailcow import units
from rig.mailcow.machine import Mailcow
from rig.mailcow.servers import Server, serving
from rig.mailcow.systemctl import ADDRESS

PROVISION: Final = f"{units.PROVISION}.service"


@contextlib.contextmanager
def systemd(machine: Mailcow) -> Iterator[list[str]]:
    """`systemctl` works inside until the end of the block; gives what it was asked for."""
    asked: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            words = json.loads(self.rfile.readline())
            asked.append(" ".join(words))
            try:
                answer = (0, done(machine, words))
            except (MailnixError, AssertionError, OSError) as error:
                answer = (1, f"{error}\n")
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    with serving(machine.space, Server, ADDRESS, Handler):
        yield asked


def done(machine: Mailcow, words: list[str]) -> str:
    """Do what a call asks for; gives what systemctl prints."""
    match words:
        case ["stop", units.MAILCOW]:
            machine.stop()
        case ["start", units.MAILCOW]:
            machine.program("mailcow-setup")
            machine.web_up()
        case ["start", name] if name == PROVISION:
            machine.provision()
        case ["show", "--property=LoadState", "--value", _]:
            return "loaded\n"
        case _:
            raise AssertionError(f"systemctl {' '.join(words)} is not known here")
    return ""
