#!/usr/bin/env python3
"""Mail programs elsewhere that log in: by IMAP, POP3, submission and ManageSieve, over verified TLS. Prints JSON.

Only the standard library; it runs on the internet machine. What a server says goes into the result; the exit status
is 0 whenever there is a result to read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

PASSWORDS = "/run/mailnix-internet/passwords.json"
PATIENCE = 60.0  # seconds for one answer, at full pace; guests may be emulated
POLL = 2.0

Result: TypeAlias = dict[str, Any]


class Refused(Exception):
    """A server said no."""


@dataclass(frozen=True)
class Protocol:
    """What is said until somebody is logged in: `last` begins the last line of a reply, `good` a good one.

    `hello` comes before TLS is asked for with `starttls`; `twice` is whether the server greets again behind it.
    """

    last: str
    good: str
    starttls: str
    login: Callable[[str, str], Sequence[str]]
    hello: tuple[str, ...] = ()
    twice: bool = False


def plain(login: str, secret: str) -> str:
    """SASL PLAIN's one message (RFC 4616)."""
    return base64.b64encode(f"\0{login}\0{secret}".encode()).decode()


PROTOCOLS = {
    "imap": Protocol(r"\* OK|\* BYE|x ", r"\* OK|x OK", "x STARTTLS", lambda who, word: [f'x LOGIN "{who}" "{word}"']),
    "pop3": Protocol(r"[+-]", r"\+OK", "STLS", lambda who, word: [f"USER {who}", f"PASS {word}", "STAT"]),
    "smtp": Protocol(
        r"\d{3} ", r"[23]", "STARTTLS", lambda who, word: ["EHLO x", f"AUTH PLAIN {plain(who, word)}"], ("EHLO x",)
    ),
    "sieve": Protocol(
        r"OK|NO|BYE", r"OK", "STARTTLS", lambda who, word: [f'AUTHENTICATE "PLAIN" "{plain(who, word)}"'], twice=True
    ),
}


@dataclass(frozen=True)
class Service:
    """Where somebody logs in: `NAME:PORT:IMPLICIT`, with 1 for TLS that comes first."""

    name: str
    port: int
    implicit: bool

    @classmethod
    def of(cls, text: str) -> Service:
        """Read one."""
        name, port, implicit = text.split(":")
        return cls(name, int(port), implicit == "1")


class Session:
    """A connection over TLS to one service."""

    def __init__(self, args: argparse.Namespace, service: Service) -> None:
        self.protocol = PROTOCOLS[service.name]
        where = (args.connect or args.host, service.port)
        self.sock = socket.create_connection(where, PATIENCE * args.pace, (args.source, 0))
        self.context, self.host = ssl.create_default_context(cafile=args.ca), args.host
        if service.implicit:
            self._secure()
        else:
            self.stream = self.sock.makefile("rb", buffering=0)
        self.reply()
        if not service.implicit:
            for line in (*self.protocol.hello, self.protocol.starttls):
                self.say(line)
            self._secure()
            if self.protocol.twice:
                self.reply()

    def _secure(self) -> None:
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)
        # Unbuffered, so that what TLS brings is never in a buffer of ours.
        self.stream = self.sock.makefile("rb", buffering=0)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def line(self) -> str:
        """One line of the server's; raises Refused where it hangs up."""
        line = self.stream.readline()
        if not line:
            raise Refused("connection closed")
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def reply(self) -> str:
        """The last line of a reply; raises Refused for a bad one."""
        while not re.match(self.protocol.last, line := self.line()):
            pass
        if not re.match(self.protocol.good, line):
            raise Refused(line)
        return line

    def say(self, line: str) -> str:
        """Say something; gives the last line of the reply."""
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def log_in(self, login: str, secret: str) -> str:
        """Log in; gives the server's last word."""
        said = ""
        for line in self.protocol.login(login, secret):
            said = self.say(line)
        return said

    def facts(self) -> Result:
        """What the verified connection showed."""
        assert isinstance(self.sock, ssl.SSLSocket)
        certificate: Any = self.sock.getpeercert() or {}
        issuer = {key: value for group in certificate.get("issuer", ()) for key, value in group}
        return {
            "version": self.sock.version(),
            "names": [value for _kind, value in certificate.get("subjectAltName", ())],
            "issuer": issuer.get("commonName", ""),
            "sha256": hashlib.sha256(self.sock.getpeercert(binary_form=True) or b"").hexdigest(),
        }

    def messages(self) -> list[str]:
        """Every message of a POP3 mailbox (RFC 1939)."""
        count = int(self.say("STAT").split()[1])
        return [self._message(number) for number in range(1, count + 1)]

    def _message(self, number: int) -> str:
        self.say(f"RETR {number}")
        lines: list[str] = []
        while (line := self.line()) != ".":
            lines.append(line.removeprefix("."))
        return "\r\n".join(lines)


def password(args: argparse.Namespace) -> str:
    """The password to use: as given, or as the lab has left it for the mailbox, or for a program of its owner's."""
    known: dict[str, str] = {} if args.password else json.loads(Path(PASSWORDS).read_text())
    return args.password or known[args.secret or args.login]


def log_in(args: argparse.Namespace, service: Service, secret: str) -> Result:
    """One attempt, and what came of it."""
    try:
        with Session(args, service) as session:
            facts = session.facts()
            try:
                return {"service": service.name, "ok": True, "said": session.log_in(args.login, secret), "tls": facts}
            except Refused as refusal:
                return {"service": service.name, "ok": False, "said": str(refusal), "tls": facts}
    except (Refused, OSError) as error:
        return {"service": service.name, "ok": False, "error": f"{type(error).__name__}: {error}"}


def logins(args: argparse.Namespace) -> Result:
    """Log in to each service, one after the other."""
    answers = [log_in(args, service, password(args)) for service in args.at]
    return {"ok": all(answer["ok"] for answer in answers), "answers": answers}


def guesses(args: argparse.Namespace) -> Result:
    """Try many wrong passwords at the services in turn, some at once."""

    def guess(number: int) -> Result:
        tail = base64.b32encode(hashlib.sha256(args.token.encode()).digest())[:8].decode()
        return log_in(args, args.at[number % len(args.at)], f"wrong-{number}-{tail}")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(guess, range(args.count)))
    return {"ok": not any(answer["ok"] for answer in answers), "answers": answers}


def fetch(args: argparse.Namespace) -> Result:
    """Wait until a POP3 mailbox has messages with the token, which a new session sees; gives them back whole."""
    deadline = time.monotonic() + args.timeout
    while True:
        with Session(args, args.at[0]) as session:
            facts = session.facts()
            session.log_in(args.login, password(args))
            found = [message for message in session.messages() if args.token in message]
        if found or time.monotonic() > deadline:
            return {"ok": bool(found), "count": len(found), "messages": found, "tls": facts}
        time.sleep(POLL)


VERBS: dict[str, Callable[[argparse.Namespace], Result]] = {"logins": logins, "guesses": guesses, "fetch": fetch}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; an error of the network or of a protocol is a result too."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("verb", choices=VERBS)
    options.add_argument("--source", required=True)
    for name in ("host", "connect", "login", "password", "secret", "ca", "helo", "token"):
        options.add_argument(f"--{name}", default="")
    options.add_argument("--at", action="append", type=Service.of, default=[])
    options.add_argument("--count", type=int, default=1)
    options.add_argument("--timeout", type=float, default=0.0)
    options.add_argument("--pace", type=float, default=1.0, help="how many times longer than usual an answer may take")
    args = options.parse_args(argv)
    try:
        result = VERBS[args.verb](args)
    except (Refused, OSError) as error:
        result = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
