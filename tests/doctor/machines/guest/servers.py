"""Servers on this machine that speak as Mailcow's and Haraka's do, far enough to be asked."""

from __future__ import annotations

import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen

from rig.servers import running


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@frozen
class Mail:
    """An SMTP server. `certificate` is a folder with one, for STARTTLS or, if `implicit`, from the beginning.

    `xclient` is what it says to that command; "" offers none. It goes on to offer it where it is not `believing`.
    """

    xclient: str = ""
    believing: bool = True
    certificate: Path | None = None
    implicit: bool = False
    greeting: str = "220 mail.example.org ESMTP"

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Its port on 127.0.0.1."""
        speaker = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if speaker.implicit:
                    self.secure()
                offers = speaker.xclient != ""
                self.say(speaker.greeting)
                while line := self.rfile.readline(4096):
                    word = line.split()[0].upper() if line.split() else b""
                    if word == b"EHLO":
                        self.say("250-mail.example.org")
                        if speaker.certificate and not speaker.implicit:
                            self.say("250-STARTTLS")
                        if offers:
                            self.say("250-XCLIENT NAME ADDR PORT")
                        self.say("250 8BITMIME")
                    elif word == b"XCLIENT":
                        self.say(speaker.xclient)
                        offers = not speaker.believing
                    elif word == b"STARTTLS":
                        self.say("220 go ahead")
                        self.secure()
                    elif word == b"QUIT":
                        self.say("221 bye")
                        return

            def say(self, text: str) -> None:
                with suppress(OSError):  # who has heard enough is gone
                    self.wfile.write(f"{text}\r\n".encode())

            def secure(self) -> None:
                assert speaker.certificate
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(speaker.certificate / "cert.pem", speaker.certificate / "key.pem")
                secured = context.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = secured.makefile("rb"), _Unbuffered(secured)

        with running(_Server(("127.0.0.1", 0), Handler)) as port:
            yield port


class _Unbuffered(socketserver._SocketWriter):  # type: ignore[name-defined, misc]
    """What is written is sent at once."""
