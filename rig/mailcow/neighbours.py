"""What Mailcow's web part and Postfix speak to and what does not run here: they agree to all, and keep what they see.

dockerapi says that every container runs, rspamd's milter has no objection, Dovecot's SASL refuses every password.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import StreamRequestHandler
from typing import Final

from attrs import field, frozen

from rig.mailcow.servers import Server, serving
from rig.mailcow.space import Space
from rig.sink import Sink

CONTAINERS: Final = (
    *("mysql", "postfix", "dovecot", "sogo", "rspamd", "nginx", "php-fpm", "redis"),
    *("netfilter", "memcached", "unbound"),
)
"""What PHP looks for."""
MILTER, SASL, TLSPOL, LMTP, HTTPS = 9900, 10001, 8642, 24, 443


@frozen
class Neighbours:
    """What they have seen: `log` of Postfix and PHP, clients and macros told to the milter, mail for Dovecot."""

    lmtp: Sink
    log: list[str] = field(factory=list)
    milter: list[bytes] = field(factory=list)
    logins: list[str] = field(factory=list)
    tasks: list[str] = field(factory=list)


@contextlib.contextmanager
def neighbours(space: Space, network: str, certificates: Path) -> Iterator[Neighbours]:
    """All of them, at the addresses that they have on Mailcow's bridge; `certificates` has cert.pem and key.pem."""
    dovecot, rspamd, tlspol, dockerapi = (f"{network}.{host}" for host in (250, 5, 10, 2))
    here = Neighbours(Sink(port=LMTP, host=dovecot))
    with ExitStack() as stack:
        stack.enter_context(syslog(space.path("/dev/log"), here.log))
        handlers = ((dovecot, SASL, sasl(here.logins)), (rspamd, MILTER, milter(here.milter)), (tlspol, TLSPOL, Policy))
        for address, port, handler in handlers:
            stack.enter_context(serving(space, Server, (address, port), handler))
        server = stack.enter_context(serving(space, Server, (dockerapi, HTTPS), docker(here.tasks)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with space.sockets():
            here.lmtp.open()
        stack.callback(here.lmtp.close)
        yield here


@contextlib.contextmanager
def syslog(path: Path, log: list[str]) -> Iterator[None]:
    """/dev/log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        path.chmod(0o666)

        def receive() -> None:
            while line := receiver.recv(9000):
                log.append(line.decode("utf-8", "replace").rstrip("\0\n"))

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        try:
            yield
        finally:
            receiver.shutdown(socket.SHUT_RDWR)
            thread.join()


def milter(seen: list[bytes]) -> type[StreamRequestHandler]:
    """Agrees to everything (version 6, no actions, no steps left out); keeps clients and macros as they are told."""

    class Milter(StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(4)) == 4:
                packet = self.rfile.read(struct.unpack(">I", head)[0])
                command = packet[:1]
                if command == b"Q":
                    return
                if command in b"CD":
                    seen.append(packet)
                if command == b"O":
                    self._send(b"O", struct.pack(">III", 6, 0, 0))
                elif command not in b"ADK":
                    self._send(b"c")

        def _send(self, command: bytes, data: bytes = b"") -> None:
            self.wfile.write(struct.pack(">I", len(data) + 1) + command + data)

    return Milter


def sasl(seen: list[str]) -> type[StreamRequestHandler]:
    """Dovecot's auth protocol; every password is wrong."""

    class Sasl(StreamRequestHandler):
        def handle(self) -> None:
            mechanisms = "MECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
            self.wfile.write(f"VERSION\t1\t2\n{mechanisms}SPID\t1\nCUID\t1\nCOOKIE\t{'0' * 32}\nDONE\n".encode())
            for line in self.rfile:
                words = line.decode().rstrip("\n").split("\t")
                if words[0] == "AUTH":
                    seen.append(" ".join(word for word in words if not word.startswith("resp=")))
                    self.wfile.write(f"FAIL\t{words[1]}\tuser=x\n".encode())

    return Sasl


class Policy(StreamRequestHandler):
    """postfix-tlspol: a socketmap (netstrings) that knows no name."""

    def handle(self) -> None:
        """Answer until the client leaves."""
        while digits := self._length():
            self.rfile.read(int(digits) + 1)
            self.wfile.write(b"9:NOTFOUND ,")

    def _length(self) -> bytes:
        digits = b""
        while (byte := self.rfile.read(1)).isdigit():
            digits += byte
        return digits


def docker(seen: list[str]) -> type[BaseHTTPRequestHandler]:
    """dockerapi: every container runs, every task succeeds."""

    class DockerApi(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({identity(name): container(name) for name in CONTAINERS})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            seen.append(f"{self.path} {body}")
            self._reply({"type": "success", "msg": "command completed successfully", "text": ""})

        def _reply(self, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *values: object) -> None:
            pass

    return DockerApi


def container(name: str) -> dict[str, object]:
    """A container as dockerapi tells it."""
    labels = {"com.docker.compose.service": f"{name}-mailcow", "com.docker.compose.project": "mailcowdockerized"}
    return {"Id": identity(name), "State": {"Status": "running"}, "Config": {"Labels": labels}}


def identity(name: str) -> str:
    """A container's id."""
    return hashlib.sha256(name.encode()).hexdigest()
