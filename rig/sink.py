"""A recording mail server that does as it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from io import BufferedRWPair
from pathlib import Path

from attrs import define, field

from rig.waiting import free_port

MUTE = "(nothing)"  # an answer that never comes
RESET = "(reset)"  # and the connection ends by RST


class Reset(OSError):
    """The connection shall end by RST."""


@define
class Sink:
    """A mail server of a hundred lines that does as it is told, and writes down what it is told.

    `replies` maps a command's beginning to an answer, that of "" is the greeting; an empty answer ends the connection,
    `RESET` resets it, at `MUTE` it stays open. `dot_seconds` is how long it thinks about a message, before `dot`. After
    STARTTLS, or at once if `implicit`, it speaks TLS with the certificate in `certificate`; without, `nonsense`.
    `on_command` is told every command before it is answered. `sessions` counts connections, `ended` those that are
    over, `most_at_once` those that were open together.
    `secured` says of each message whether it came under TLS, `peers` of each connection which address it came from.
    """

    port: int = field(factory=free_port)
    host: str = "127.0.0.1"
    replies: dict[str, str] = field(factory=dict)
    dot_seconds: float = 0.0
    dot: str = "250 2.0.0 kept"
    certificate: Path | None = None
    implicit: bool = False
    nonsense: bytes = b"500 this is no TLS\r\n"
    on_command: Callable[[str], object] = lambda _line: None
    commands: list[str] = field(factory=list)
    messages: list[bytes] = field(factory=list)
    secured: list[bool] = field(factory=list)
    peers: list[str] = field(factory=list)
    sessions: int = 0
    ended: int = 0
    most_at_once: int = 0
    _open: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)
    _listener: socket.socket | None = None

    def open(self) -> None:
        """Listen, and answer each connection in a thread of its own."""
        self._listener = socket.create_server((self.host, self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def at_once(self) -> int:
        """How many connections are open."""
        return self._open

    def close(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, peer = listener.accept()
                self.peers.append(peer[0])
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._counted(), connection, contextlib.suppress(OSError, ValueError):
            if self.implicit:
                self._secured(connection, greets=True)
                return
            try:
                with connection.makefile("rwb") as stream:
                    self._say(stream, self.replies.get("", "220 sink"))
                    secured = self._talk(stream)
            except Reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if secured and self.certificate is None:
                connection.recv(65536)  # the client's hello: what came before it would be read as SMTP
                connection.sendall(self.nonsense)
            elif secured:
                self._secured(connection)

    def _secured(self, connection: socket.socket, *, greets: bool = False) -> None:
        """Go on under TLS."""
        assert self.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate / "cert.pem", self.certificate / "key.pem")
        with context.wrap_socket(connection, server_side=True) as inside, inside.makefile("rwb") as stream:
            if greets:
                self._say(stream, self.replies.get("", "220 sink"))
            self._talk(stream, inside=True)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self.sessions += 1
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                self.ended += 1

    def _talk(self, stream: BufferedRWPair, *, inside: bool = False) -> bool:
        """Answer commands; whether TLS shall begin now."""
        for raw in stream:
            line = raw.decode(errors="surrogateescape").rstrip("\r\n")
            self.commands.append(line)
            self.on_command(line)
            answer = self._answer(line)
            self._say(stream, answer)
            if line.upper() == "STARTTLS" and answer.startswith("2"):
                return True
            if answer.startswith("354"):
                message = self._message(stream)
                if message is None:
                    return False
                self.messages.append(message)
                self.secured.append(inside)
                threading.Event().wait(self.dot_seconds)
                self._say(stream, self.dot)
        return False

    def _answer(self, line: str) -> str:
        for start, answer in self.replies.items():
            if start and line.upper().startswith(start.upper()):
                return answer
        defaults = {"EHLO": "250 sink", "DATA": "354 go on", "QUIT": "221 bye"}
        return defaults.get(line.split(" ")[0].upper(), "250 2.0.0 fine")

    @staticmethod
    def _say(stream: BufferedRWPair, text: str) -> None:
        if text == MUTE:
            return
        if text == RESET:
            raise Reset
        if not text:
            raise ConnectionAbortedError
        stream.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        stream.flush()

    @staticmethod
    def _message(stream: BufferedRWPair) -> bytes | None:
        """What came before the final dot; None where the connection ended without one."""
        lines: list[bytes] = []
        while (line := stream.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                return None
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


@contextlib.contextmanager
def sink(**settings: object) -> Iterator[Sink]:
    """A listening `Sink`."""
    server = Sink(**settings)  # type: ignore[arg-type]
    server.open()
    try:
        yield server
    finally:
        server.close()
