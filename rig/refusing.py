"""A DNS server that refuses every question at once: so nothing outside this machine is asked, and nobody waits."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer, ThreadingUDPServer

import dns.message
import dns.rcode

from rig.servers import running

HOST = "127.0.0.1"


def _refusal(wire: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(wire))
    response.set_rcode(dns.rcode.REFUSED)
    return response.to_wire()


class _Udp(BaseRequestHandler):
    def handle(self) -> None:
        wire, channel = self.request
        channel.sendto(_refusal(wire), self.client_address)


class _Tcp(BaseRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack("!H", self.request.recv(2))
        answer = _refusal(self.request.recv(length))
        self.request.sendall(struct.pack("!H", len(answer)) + answer)


@contextmanager
def refusing() -> Iterator[str]:
    """One that runs until the end of the block; gives ADDRESS:PORT."""
    with running(ThreadingUDPServer((HOST, 0), _Udp)) as port, running(ThreadingTCPServer((HOST, port), _Tcp)):
        yield f"{HOST}:{port}"
