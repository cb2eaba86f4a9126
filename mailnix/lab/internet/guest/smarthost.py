#!/usr/bin/env python3
"""Others' servers that mail leaves by: each takes mail from who is logged in, over TLS, and hands it on.

Only the standard library; it runs on the internet machine. It adds one Received line, which says who was logged in.
"""

from __future__ import annotations

import base64
import email.utils
import json
import re
import smtplib
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

CONF = "/etc/mailnix-internet/smarthosts.json"
PASSWORDS = "/run/mailnix-internet/relays.json"
PATIENCE = 300.0  # seconds for one line, and for the next server's answer; guests may be emulated


@dataclass(frozen=True)
class Smarthost:
    """One of them: `tls` is starttls, implicit or none; `user` logs in; all mail goes on to the address `next`."""

    name: str
    address: str
    port: int
    tls: str
    user: str
    next: str


def following(host: Smarthost, port: int = 25) -> smtplib.SMTP:
    """The next server, connected to from one's own address."""
    return smtplib.SMTP(host.next, port, host.name, PATIENCE, (host.address, 0))


Following: TypeAlias = Callable[[Smarthost], Any]


class Session:
    """One SMTP session (RFC 5321, RFC 4954)."""

    def __init__(self, sock: socket.socket, host: Smarthost, context: ssl.SSLContext, password: str) -> None:
        self.sock, self.host, self.context, self.password = sock, host, context, password
        self.peer: str = sock.getpeername()[0]
        self.secure, self.user, self.helo, self.sender = False, "", "", ""
        self.to: list[str] = []

    def run(self, next_server: Following) -> None:
        """Serve until either side ends it."""
        self.next_server = next_server
        self.sock.settimeout(PATIENCE)
        if self.host.tls == "implicit":
            self._secure()
        self.stream = self.sock.makefile("rb", buffering=0)
        self.say(f"220 {self.host.name} ESMTP")
        while line := self.stream.readline():
            word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if word.upper() == "QUIT":
                break
            verb = VERBS.get(word.upper())
            self.say(verb(self, rest) if verb else "500 5.5.1 unknown command")
            if word.upper() == "STARTTLS" and self.host.tls == "starttls" and not self.secure:
                self._secure()
                self.stream = self.sock.makefile("rb", buffering=0)
        self.say("221 2.0.0 bye")

    def _secure(self) -> None:
        self.sock, self.secure = self.context.wrap_socket(self.sock, server_side=True), True

    def say(self, text: str) -> None:
        """Say a reply."""
        self.sock.sendall(text.encode() + b"\r\n")

    def hello(self, name: str) -> str:
        """EHLO: logins are offered over TLS alone."""
        self.helo = name
        offered = ["AUTH PLAIN LOGIN"] if self.secure and self.host.user else []
        offered += ["STARTTLS"] if self.host.tls == "starttls" and not self.secure else []
        lines = [self.host.name, *offered, "8BITMIME"]
        return "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])

    def starttls(self, _rest: str) -> str:
        """TLS begins behind the answer."""
        return "220 2.0.0 go" if self.host.tls == "starttls" and not self.secure else "503 5.5.1 not now"

    def auth(self, rest: str) -> str:
        """A login: the described user and no other."""
        if not self.secure:
            return "538 5.7.11 over TLS alone"
        how, _, first = rest.partition(" ")
        if how.upper() == "PLAIN":
            _, user, password = base64.b64decode(first or self._asked("")).decode().split("\0")
        else:
            user = base64.b64decode(first or self._asked("VXNlcm5hbWU6")).decode()
            password = base64.b64decode(self._asked("UGFzc3dvcmQ6")).decode()
        if (user, password) != (self.host.user, self.password):
            return "535 5.7.8 wrong"
        self.user = user
        return "235 2.7.0 in"

    def _asked(self, challenge: str) -> bytes:
        self.say(f"334 {challenge}")
        return self.stream.readline().strip()

    def mail(self, rest: str) -> str:
        """A sender, of whoever is logged in where that is asked for."""
        if self.host.tls != "none" and not self.secure:
            return "530 5.7.0 STARTTLS first"
        if self.host.user and not self.user:
            return "530 5.7.0 log in first"
        self.sender, self.to = _path(rest), []
        return "250 2.1.0 well"

    def rcpt(self, rest: str) -> str:
        """A recipient, anywhere."""
        self.to.append(_path(rest))
        return "250 2.1.5 well"

    def data(self, _rest: str) -> str:
        """The message: the next server decides."""
        if not self.to:
            return "503 5.5.1 to whom?"
        self.say("354 go")
        lines = []
        while (line := self.stream.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        hop = (
            f"Received: from {self.helo} ([{self.peer}])\r\n\tby {self.host.name} as {self.user or 'nobody'}"
            f" with ESMTPSA;\r\n\t{email.utils.formatdate()}\r\n"
        )
        return self._handed_on(hop.encode() + b"".join(lines))

    def _handed_on(self, message: bytes) -> str:
        try:
            with self.next_server(self.host) as smtp:
                smtp.sendmail(self.sender, self.to, message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = next(iter(refused.recipients.values()))
            return f"{code} {text.decode().splitlines()[0]}"
        except smtplib.SMTPResponseException as answer:
            return f"{answer.smtp_code} {_text(answer.smtp_error)}"
        except (smtplib.SMTPException, OSError) as error:
            return f"451 4.4.1 {type(error).__name__}"
        return "250 2.0.0 handed on"

    def reset(self, _rest: str) -> str:
        """RSET, NOOP."""
        return "250 2.0.0 well"


VERBS: dict[str, Callable[[Session, str], str]] = {
    "EHLO": Session.hello,
    "HELO": Session.hello,
    "STARTTLS": Session.starttls,
    "AUTH": Session.auth,
    "MAIL": Session.mail,
    "RCPT": Session.rcpt,
    "DATA": Session.data,
    "RSET": Session.reset,
    "NOOP": Session.reset,
}


def _path(text: str) -> str:
    found = re.search(r"<([^>]*)>", text)
    return found[1] if found else ""


def _text(said: bytes | str) -> str:
    return (said.decode() if isinstance(said, bytes) else said).splitlines()[0]


def server(
    host: Smarthost,
    context: ssl.SSLContext,
    passwords: Callable[[], dict[str, str]],
    next_server: Following = following,
) -> socketserver.ThreadingTCPServer:
    """A server at one's address, bound and not yet serving."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            Session(self.request, host, context, passwords().get(host.name, "")).run(next_server)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    return Server((host.address, host.port), Handler)


def known() -> dict[str, str]:
    """The passwords that the lab has left."""
    found: dict[str, str] = json.loads(Path(PASSWORDS).read_text())
    return found


def main() -> int:
    """Serve all of them."""
    conf = json.loads(Path(CONF).read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(conf["certificate"], conf["key"])
    serving = [server(Smarthost(**host), context, known) for host in conf["hosts"]]
    threads = [threading.Thread(target=each.serve_forever) for each in serving]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
