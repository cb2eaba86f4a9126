#!/usr/bin/env python3
"""Clients elsewhere on the internet: each sub-command connects from an address of its choice and prints JSON.

Only the standard library; it runs on the internet machine. What a server says goes into the result; the exit status
is 0 whenever there is a result to read.
"""

from __future__ import annotations

import argparse
import email.message
import email.utils
import hashlib
import http.client
import imaplib
import json
import smtplib
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

PASSWORDS = "/run/mailnix-internet/passwords.json"
PATIENCE = 60.0  # seconds for one answer, at full pace; guests may be emulated
POLL = 1.0
EARLY = 10.0  # likewise, for an answer that may not come

Result: TypeAlias = dict[str, Any]


def connect(host: str, port: int, source: str, timeout: float) -> socket.socket:
    """A connection from `source`, to an address of the same family."""
    family = socket.AF_INET if ip_address(source).version == 4 else socket.AF_INET6
    target = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.bind((source, 0))
        sock.connect(target)
    except OSError:
        sock.close()
        raise
    return sock


def trust(ca: str) -> ssl.SSLContext:
    """Verify certificates and names, against one root."""
    return ssl.create_default_context(cafile=ca)


def tls_facts(sock: ssl.SSLSocket) -> Result:
    """What a verified connection showed."""
    certificate: Any = sock.getpeercert() or {}
    der = sock.getpeercert(binary_form=True) or b""
    issuer = {key: value for group in certificate.get("issuer", ()) for key, value in group}
    return {
        "version": sock.version(),
        "names": [value for _kind, value in certificate.get("subjectAltName", ())],
        "issuer": issuer.get("commonName", ""),
        "sha256": hashlib.sha256(der).hexdigest(),
    }


class Smtp(smtplib.SMTP):
    """smtplib, from a chosen address."""

    def __init__(self, args: argparse.Namespace, context: ssl.SSLContext | None) -> None:
        self.args, self.implicit = args, context
        super().__init__(args.host, args.port, local_hostname=args.helo, timeout=PATIENCE * args.pace)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = connect(self.args.connect or host, port, self.args.source, timeout)
        return sock if self.implicit is None else self.implicit.wrap_socket(sock, server_hostname=host)


class Imap(imaplib.IMAP4):
    """imaplib over TLS, from a chosen address; by STARTTLS where TLS does not come first."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.target, self.source, self.trusted = args.connect or args.host, args.source, trust(args.ca)
        self.implicit = args.implicit
        super().__init__(args.host, args.port, timeout=PATIENCE * args.pace)
        if not self.implicit:
            self.starttls(self.trusted)

    def _create_socket(self, timeout: float) -> socket.socket:
        sock = connect(self.target, self.port, self.source, timeout)
        return self.trusted.wrap_socket(sock, server_hostname=self.host) if self.implicit else sock


def password(login: str) -> str:
    """The password that the lab has left for a mailbox."""
    found: str = json.loads(Path(PASSWORDS).read_text())[login]
    return found


def message(args: argparse.Namespace) -> email.message.EmailMessage:
    """A small message whose subject and Message-ID carry the token."""
    built = email.message.EmailMessage()
    built["From"] = args.sender or args.login
    built["To"] = ", ".join(args.to)
    built["Subject"] = args.token
    built["Date"] = email.utils.formatdate()
    built["Message-ID"] = f"<{args.token}@{args.helo}>"
    built.set_content(f"This is {args.token}.\n")
    return built


def submit(args: argparse.Namespace) -> Result:
    """Submit a message with AUTH, by STARTTLS where TLS does not come first."""
    context = trust(args.ca)
    with Smtp(args, context if args.implicit else None) as smtp:
        if not args.implicit:
            smtp.ehlo()
            smtp.starttls(context=context)
        facts = tls_facts(smtp.sock)  # type: ignore[arg-type]
        smtp.ehlo()
        smtp.login(args.login, args.password or password(args.login))
        refused = smtp.send_message(message(args), args.sender or args.login, args.to)
        return {"ok": not refused, "refused": {to: list(map(str, why)) for to, why in refused.items()}, "tls": facts}


def imap(args: argparse.Namespace) -> Result:
    """Log in by IMAP and wait until messages with the token are there; gives them back whole."""
    deadline = time.monotonic() + args.timeout
    with Imap(args) as box:
        facts = tls_facts(box.sock)  # type: ignore[arg-type]
        box.login(args.login, args.password or password(args.login))
        while True:
            box.select("INBOX", readonly=True)
            _status, found = box.search(None, "TEXT", f'"{args.token}"')
            numbers = found[0].split() if found and found[0] else []
            if numbers or time.monotonic() > deadline:
                break
            time.sleep(POLL)
        fetched = [box.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in numbers]
        texts = [part[0][1].decode("utf-8", "replace") for part in fetched]  # type: ignore[index, union-attr]
        return {"ok": bool(texts), "count": len(texts), "messages": texts, "tls": facts}


def https(args: argparse.Namespace) -> Result:
    """Get a page; `--port 80` is plain HTTP."""
    connection = http.client.HTTPConnection(args.host, args.port, timeout=PATIENCE * args.pace)
    sock: Any = connect(args.connect or args.host, args.port, args.source, PATIENCE * args.pace)
    facts: Result = {}
    if args.port != 80:
        sock = trust(args.ca).wrap_socket(sock, server_hostname=args.host)
        facts = tls_facts(sock)
    connection.sock = sock
    own = dict(header.split(": ", 1) for header in args.header)
    connection.request("GET", args.path, headers={"User-Agent": "mailnix-internet", **own})
    answer = connection.getresponse()
    body = answer.read(20_000).decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return {"ok": answer.status < 400, "status": answer.status, "headers": headers, "body": body, "tls": facts}


def reply(stream: Any) -> Result:
    """One SMTP reply, all its lines."""
    lines: list[str] = []
    while True:
        line = stream.readline().decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            return {"code": 0, "text": "connection closed"}
        lines.append(line)
        if line[3:4] != "-":
            return {"code": int(line[:3]) if line[:3].isdigit() else 0, "text": "\n".join(lines)}


def answer_to_early(sock: socket.socket, stream: Any, early: str, pace: float) -> Iterator[Result]:
    """What is said to a line that came before the greeting; a server that took it as a header says nothing."""
    sock.settimeout(EARLY * pace)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        yield {"sent": early, "code": -1, "text": "taken without a word"}
    else:
        yield {"sent": early, **reply(stream)}
    sock.settimeout(PATIENCE * pace)


def smtp(args: argparse.Namespace) -> Result:
    """Speak SMTP line by line; STARTTLS is done where a line says so; `--early` is sent before the banner is read.

    Where TLS comes first but there is an early line, there is no TLS at all.
    """
    replies: list[Result] = []
    with connect(args.host, args.port, args.source, PATIENCE * args.pace) as plain:
        sock: Any = plain
        if args.implicit and not args.early:
            sock = trust(args.ca).wrap_socket(sock, server_hostname=args.host)
        if args.early:
            sock.sendall(args.early.encode() + b"\r\n")
        # Unbuffered, so that what TLS or a late answer brings is never in a buffer of ours.
        stream = sock.makefile("rb", buffering=0)
        replies.append({"sent": "", **reply(stream)})
        if args.early:
            replies += answer_to_early(sock, stream, args.early, args.pace)
        for line in args.line:
            if replies[-1]["code"] == 0:
                break
            try:
                sock.sendall(line.encode() + b"\r\n")
                replies.append({"sent": line, **reply(stream)})
            except ConnectionError as error:
                replies.append({"sent": line, "code": 0, "text": str(error)})
            if line.upper() == "STARTTLS" and replies[-1]["code"] == 220:
                sock = trust(args.ca).wrap_socket(sock, server_hostname=args.host)
                stream = sock.makefile("rb", buffering=0)
    return {"ok": replies[-1]["code"] // 100 == 2, "replies": replies}


VERBS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "submit": submit,
    "imap": imap,
    "https": https,
    "smtp": smtp,
}


def parser() -> argparse.ArgumentParser:
    """The options; every verb takes those it needs. `--connect` is an address to use for `--host`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("verb", choices=VERBS)
    options.add_argument("--source", required=True)
    for name in ("host", "connect", "login", "password", "sender", "early"):
        options.add_argument(f"--{name}", default="")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--implicit", type=int, default=0, help="1 where TLS comes first, before any SMTP")
    options.add_argument("--ca", default="", help="certificates of the authorities to trust, a PEM file")
    options.add_argument("--helo", default="cafe.elsewhere.test")
    options.add_argument("--token", default="token")
    options.add_argument("--path", default="/")
    options.add_argument("--timeout", type=float, default=0.0)
    options.add_argument("--pace", type=float, default=1.0, help="how many times longer than usual an answer may take")
    options.add_argument("--to", action="append", default=[])
    options.add_argument("--line", action="append", default=[])
    options.add_argument("--header", action="append", default=[])
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; an error of the network or of a protocol is a result too."""
    args = parser().parse_args(argv)
    try:
        result = VERBS[args.verb](args)
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, http.client.HTTPException) as error:
        result = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
