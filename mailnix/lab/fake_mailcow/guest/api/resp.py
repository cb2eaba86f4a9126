"""Just enough of Redis's protocol: one command at a time, texts in, texts out."""

from __future__ import annotations

import socket
import time
from io import BufferedRWPair


class RedisError(Exception):
    """Redis said no."""


class Redis:
    """A connection that is made when it is needed, and again after it broke."""

    def __init__(self, host: str, password: str, port: int = 6379, patience: float = 30.0) -> None:
        self._address = (host, port)
        self._password = password
        self._patience = patience
        self._stream: BufferedRWPair | None = None

    def __call__(self, *words: str) -> object:
        """Run a command: None, a number, a text, or a list of those."""
        if self._stream is not None:
            try:
                return self._ask(self._stream, words)
            except OSError:
                self._stream = None
        self._stream = self._connect()
        return self._ask(self._stream, words)

    def text(self, *words: str) -> str:
        """Run a command that gives a text; "" for none."""
        found = self(*words)
        return found if isinstance(found, str) else ""

    def _connect(self) -> BufferedRWPair:
        end = time.monotonic() + self._patience
        while True:
            try:
                stream = socket.create_connection(self._address, timeout=10).makefile("rwb")
                self._ask(stream, ("AUTH", self._password))
                return stream
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    @staticmethod
    def _ask(stream: BufferedRWPair, words: tuple[str, ...]) -> object:
        parts = [word.encode() for word in words]
        stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        stream.flush()
        return _answer(stream)


def _answer(stream: BufferedRWPair) -> object:
    line = stream.readline()
    if not line:
        raise ConnectionResetError("Redis went away")
    kind, rest = line[:1], line[1:-2].decode()
    match kind:
        case b"+":
            return rest
        case b"-":
            raise RedisError(rest)
        case b":":
            return int(rest)
        case b"$":
            return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
        case _:
            return [_answer(stream) for _ in range(int(rest))]
