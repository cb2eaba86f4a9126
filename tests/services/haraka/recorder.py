"""Both ends of a Haraka, as bytes: a server that records what it gets by envelope sender, and a client that sends
exactly what it is told to.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Self

from attrs import define, field

CAPABILITIES = b"250-recorder\r\n250-8BITMIME\r\n250 XCLIENT ADDR\r\n"


@define
class Recorder:
    """A mail server that takes everything, 8-bit bytes too, and keeps what came between DATA and the dot as it came."""

    port: int
    mails: dict[str, list[bytes]] = field(factory=dict)
    _listener: socket.socket | None = None

    def sent_by(self, sender: str) -> list[bytes]:
        """The messages with this envelope sender."""
        return self.mails.get(sender, [])

    @property
    def count(self) -> int:
        """How many messages there are."""
        return sum(map(len, list(self.mails.values())))

    def open(self) -> None:
        """Listen, and answer each connection in a thread of its own."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
            connection.sendall(b"220 recorder\r\n")
            sender = ""
            for line in stream:
                command = line.decode().strip()
                verb = command.split(" ")[0].upper()
                if verb == "MAIL":
                    sender = command.split("<")[1].split(">")[0]
                if verb == "DATA":
                    connection.sendall(b"354 go on\r\n")
                    content = self._content(stream)
                    if content is None:
                        return
                    self.mails.setdefault(sender, []).append(content)
                connection.sendall(CAPABILITIES if verb == "EHLO" else b"250 ok\r\n")

    @staticmethod
    def _content(stream: IO[bytes]) -> bytes | None:
        """Lines up to the dot, with dots at their beginning as they were; None where the connection ends before it."""
        lines: list[bytes] = []
        while line := stream.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None


@define
class Client:
    """One session; `source` is its address, `hello` its greeting, with name."""

    port: int
    source: str
    hello: str = "EHLO client.example.net"
    socket: socket.socket = field(init=False)
    _replies: IO[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(self.source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self.socket.makefile("rb")
        assert self.reply().startswith("220")
        self.socket.sendall(f"{self.hello}\r\n".encode("latin1"))
        assert self.reply().startswith("250")
        return self

    def __exit__(self, *_: object) -> None:
        self._replies.close()
        self.socket.close()

    def reply(self) -> str:
        """The last line of the next reply; empty at the connection's end."""
        while (line := self._replies.readline())[3:4] == b"-":
            pass
        return line.decode("latin1").strip()

    def start(self, sender: str, recipient: str) -> None:
        """The envelope, in one packet, and DATA."""
        self.socket.sendall(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
        answers = [self.reply() for _ in range(3)]
        assert [answer[:3] for answer in answers] == ["250", "250", "354"], answers

    def send(self, sender: str, recipient: str, content: bytes, cuts: Sequence[int] = ()) -> str:
        """One message, cut into packets at `cuts`; the reply to its dot."""
        self.start(sender, recipient)
        with contextlib.suppress(ConnectionError):  # a refusal may come before the end
            for piece in _pieces(on_the_wire(content), cuts):
                self.socket.sendall(piece)
        with contextlib.suppress(ConnectionError):
            return self.reply()
        return ""


def on_the_wire(content: bytes) -> bytes:
    """Content with dots at the beginning of lines doubled, and the final dot."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + b".\r\n"


def _pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    return (data[start:end] for start, end in itertools.pairwise(edges))


@contextlib.contextmanager
def recorder(port: int) -> Iterator[Recorder]:
    """A listening `Recorder`."""
    server = Recorder(port)
    server.open()
    try:
        yield server
    finally:
        server.close()
