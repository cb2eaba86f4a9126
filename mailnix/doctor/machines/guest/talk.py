"""Conversations with servers: a line at a time, TLS where it is asked for, and an end to patience."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

PATIENCE = 20.0
"""Seconds for an answer: Postfix lets strangers wait for some (postscreen(8)), and Haraka asks Mailcow first."""

LONGEST = 4096  # bytes of a line
LINES = 100  # of an answer


class Refused(Exception):
    """The server said something else than what was to be said."""


class Talk:
    """A connection; a context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._socket: socket.socket = socket.create_connection((host, port), PATIENCE)
        self._socket.settimeout(PATIENCE)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def line(self) -> str:
        """The next line; raises OSError."""
        got = self._file.readline(LONGEST)
        if not got:
            raise ConnectionError("it hung up")
        return got.decode("ascii", "replace").strip()

    def say(self, text: str) -> None:
        """A line of ours."""
        self._socket.sendall(f"{text}\r\n".encode())

    def answer(self, expected: str = "2") -> list[str]:
        """An answer of SMTP, its lines without the code (RFC 5321 4.2.1); raises Refused for another one."""
        lines: list[str] = []
        for _ in range(LINES):
            line = self.line()
            if line[:1] != expected or not line[:3].isdigit():
                raise Refused(line[:200])
            lines.append(line[4:])
            if line[3:4] != "-":
                return lines
        raise Refused("its answer has no end")

    def smtp(self, name: str) -> list[str]:
        """What a mail server offers to whoever greets it by this name."""
        self.say(f"EHLO {name}")
        return [line.upper() for line in self.answer()[1:]]

    def quit(self) -> None:
        """Leave, whatever it says."""
        try:
            self.say("QUIT")
            self.line()
        except OSError:
            return

    def secure(self, context: ssl.SSLContext, name: str) -> bytes:
        """Go on with TLS; the server's certificate (DER)."""
        self._file.close()
        secured = context.wrap_socket(self._socket, server_hostname=name)
        self._socket, self._file = secured, secured.makefile("rb")
        return secured.getpeercert(binary_form=True) or b""


def begin_tls(talk: Talk, protocol: str, name: str) -> None:
    """Ask for TLS in the words of a protocol: "smtp", "imap", "pop3", or "" where it comes first."""
    match protocol:
        case "":
            return
        case "smtp":
            talk.answer()
            if "STARTTLS" not in talk.smtp(name):
                raise Refused("it offers no STARTTLS")
            talk.say("STARTTLS")
            talk.answer()
        case "imap":
            talk.line()
            talk.say("a STARTTLS")
            _expect(talk.line(), "a OK")
        case "pop3":
            talk.line()
            talk.say("STLS")
            _expect(talk.line(), "+OK")
        case "sieve":  # RFC 5804 1.6, 2.2: what it offers ends with OK
            while not talk.line().startswith("OK"):
                pass
            talk.say("STARTTLS")
            _expect(talk.line(), "OK")
        case _:
            raise Refused(f"nobody taught us TLS in {protocol}")


def _expect(line: str, beginning: str) -> None:
    if not line.startswith(beginning):
        raise Refused(line[:200])


def anyone() -> ssl.SSLContext:
    """For a look at whatever certificate there is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def careful(more: Path) -> ssl.SSLContext:
    """As mail programs look at it; `more` is a file of authorities that this machine trusts beside the public ones."""
    context = ssl.create_default_context()
    if more.is_file():
        context.load_verify_locations(more)
    return context
