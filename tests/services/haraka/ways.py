"""haraka-in and haraka-out between a client and a recording server, as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

import rig as stands
from mailnix.services.haraka.render import files_in, files_out
from mailnix.services.haraka.values import HarakaIn, HarakaOut, Limits
from rig import Haraka, Stand
from tests.services.haraka.recorder import Client, Recorder, recorder

HELLO = "EHLO client.example.net"
LIMITS = Limits()
RECEIVED = rb"Received: from [^\r\n]+\r\n\tby [^\r\n]+\r\n\tenvelope-from <[^\r\n]*>;\r\n\t[^\r\n]+\r\n"


@frozen
class Way:
    """A Haraka in one direction, what is behind it, and how many bytes it puts in front."""

    server: Haraka
    behind: Recorder
    recipient: str
    received: bytes

    def client(self, hello: str = HELLO, number: int = 1) -> Client:
        """A session from an address of its own."""
        return Client(self.server.port, f"127.0.0.{10 + number}", hello)

    def send(self, sender: str, content: bytes, hello: str = HELLO) -> str:
        """One message; the reply to its dot."""
        with self.client(hello) as session:
            return session.send(sender, self.recipient, content)

    def arrived(self, sender: str) -> bytes:
        """What arrived of a message, when it has, without what this Haraka may add."""
        stands.until(lambda: bool(self.behind.sent_by(sender)), f"{sender}'s message arrives")
        (message,) = self.behind.sent_by(sender)
        return self.without_received(message)

    def without_received(self, message: bytes) -> bytes:
        """A message without the line that must be in front."""
        added = re.match(self.received, message)
        assert added, message[:300]
        return message[added.end() :]


@contextmanager
def inward(stand: Stand, limits: Limits = LIMITS) -> Iterator[Way]:
    """Mail from the internet to a recorder for Mailcow."""
    port, home = stands.free_port(), stands.free_port()
    settings = HarakaIn(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        backend_host="127.0.0.1",
        backend_port=home,
        domains=("example.org",),
        certificate_folder=str(stand.certificate_folder),
        limits=limits,
        nameserver=f"127.0.0.1:{stands.free_port()}",  # nobody answers there
    )
    with recorder(home) as behind, stands.haraka(stand, files_in(settings), port) as server:
        yield Way(server, behind, "alice@example.org", RECEIVED)


@contextmanager
def outward(stand: Stand, limits: Limits = LIMITS) -> Iterator[Way]:
    """Mail from Mailcow to a recorder for everybody else."""
    port, world = stands.free_port(), stands.free_port()
    settings = HarakaOut(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        clients=("127.0.0.0/24",),
        inbound_host="127.0.0.1",
        inbound_port=world,
        domains=("example.net",),
        queue_dir=str(stand.new_queue()),
        certificate_folder=str(stand.certificate_folder),
        limits=limits,
    )
    with recorder(world) as behind, stands.haraka(stand, files_out(settings), port) as server:
        yield Way(server, behind, "dave@example.net", b"")
