"""A name server that knows a few names and nothing else (RFC 1035), over UDP: in unbound's place, and the world's."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from socketserver import DatagramRequestHandler
from typing import Final

from attrs import field, frozen

from rig.mailcow.servers import DatagramServer, serving
from rig.mailcow.space import Space

A, PTR, MX, SRV = 1, 12, 15, 33
NXDOMAIN: Final = 3
LISTED: Final = "127.0.0.2"
"""What a block list answers for who is on it (RFC 5782)."""


@frozen
class Names:
    """Addresses and names by name; `queries` has the names that were asked for."""

    addresses: Mapping[str, str]
    exchangers: Mapping[str, str] = field(factory=dict)
    reverse: Mapping[str, str] = field(factory=dict)
    queries: list[str] = field(factory=list)

    def answer(self, packet: bytes) -> bytes:
        """The reply to a query."""
        name, kind, end = question(packet)
        self.queries.append(name)
        found = self._data(name, kind)
        known = found is not None or any(name in table for table in (self.addresses, self.exchangers, self.reverse))
        record = b"" if found is None else b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(found)) + found
        header = struct.pack(">HHHHH", 0x8180 | (0 if known else NXDOMAIN), 1, int(found is not None), 0, 0)
        return packet[:2] + header + packet[12:end] + record

    def _data(self, name: str, kind: int) -> bytes | None:
        """The one record of that name and type."""
        if kind == A and name in self.addresses:
            return socket.inet_aton(self.addresses[name])
        if kind == MX and name in self.exchangers:
            return struct.pack(">H", 10) + wire(self.exchangers[name])
        if kind == PTR and name in self.reverse:
            return wire(self.reverse[name])
        return None


def question(packet: bytes) -> tuple[str, int, int]:
    """The name that is asked for in lower case, the type, and where the question ends."""
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("latin-1").lower())
        at += length + 1
    return ".".join(labels), struct.unpack_from(">H", packet, at + 1)[0], at + 5


def wire(name: str) -> bytes:
    """A name as it stands in a packet."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def reversed_address(address: str, zone: str = "in-addr.arpa") -> str:
    """The name under which an IPv4 address is asked for."""
    return ".".join([*reversed(address.split(".")), zone])


@contextlib.contextmanager
def name_server(space: Space, names: Names, *addresses: str) -> Iterator[Names]:
    """Answer on port 53 of these addresses."""

    class Handler(DatagramRequestHandler):
        def handle(self) -> None:
            self.wfile.write(names.answer(self.rfile.read()))

    with ExitStack() as stack:
        for address in addresses:
            stack.enter_context(serving(space, DatagramServer, (address, 53), Handler))
        yield names
