"""A haraka-in on loopback for the live tests, before whatever listens on a port; changes by keyword."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Iterator
from typing import Any

from attrs import define, evolve

import rig as stands
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn, Timing
from rig import Haraka, Stand

CLIENT = "127.0.0.5"
HELO = "helo.example.net"
MESSAGE = b"From: carol@example.net\r\nTo: alice@example.org\r\nSubject: hello\r\n\r\nBody.\r\n"
XCLIENT = {"EHLO": "250-sink\n250 XCLIENT ADDR"}


@contextlib.contextmanager
def haraka_in(stand: Stand, backend: int, **changes: Any) -> Iterator[Haraka]:
    """Until the end of the block; nobody answers at its name server."""
    port = stands.free_port()
    settings = HarakaIn(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        backend_host="127.0.0.1",
        backend_port=backend,
        domains=("example.org",),
        certificate_folder=str(stand.certificate_folder),
        timing=Timing(connect=2, dns=1),
        nameserver=f"127.0.0.1:{stands.free_port()}",
    )
    with stands.haraka(stand, files_in(evolve(settings, **changes)), port) as running:
        yield running


def client(server: Haraka, source: str = CLIENT) -> smtplib.SMTP:
    """A well-behaved session that has been greeted."""
    return smtplib.SMTP("127.0.0.1", server.port, HELO, timeout=30, source_address=(source, 0))


@define
class Raw:
    """A session that sends exactly the bytes that it is told to."""

    socket: socket.socket

    @classmethod
    def to(cls, server: Haraka, source: str = CLIENT, *, greeted: bool = True) -> Raw:
        """Connect, and read the greeting."""
        new = cls.connected(server.port, source)
        if greeted:
            assert new.reply()[:3] == "220"
        return new

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def connected(cls, port: int, source: str = CLIENT) -> Raw:
        """Connect to a server of any kind, and read nothing yet."""
        return cls(socket.create_connection(("127.0.0.1", port), 30, (source, 0)))

    def send(self, data: bytes | str) -> None:
        """All of it."""
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def reply(self) -> str:
        """The next reply's last line; empty at the connection's end."""
        while line := self._line():
            if line[3:4] != "-":
                return line
        return ""

    def replies(self) -> list[str]:
        """Every reply until the connection ends."""
        return list(iter(self.reply, ""))

    def say(self, data: bytes) -> str:
        """Send bytes and read a reply; empty where the connection is over."""
        with contextlib.suppress(ConnectionError):
            self.send(data)
        return self.reply()

    def ask(self, command: str) -> str:
        """Send a command and read its reply."""
        self.send(f"{command}\r\n")
        return self.reply()

    def in_data(self) -> Raw:
        """Go as far as 354."""
        for command in (f"EHLO {HELO}", "MAIL FROM:<carol@example.net>", "RCPT TO:<alice@example.org>", "DATA"):
            reply = self.ask(command)
            assert reply[:1] in "23", reply
        return self

    def close(self) -> None:
        """Without a word."""
        self.socket.close()

    def _line(self) -> str:
        found = b""
        with contextlib.suppress(ConnectionResetError):
            while not found.endswith(b"\n") and (byte := self.socket.recv(1)):
                found += byte
        return found.decode(errors="replace").strip()
