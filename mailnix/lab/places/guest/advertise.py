#!/usr/bin/env python3
"""Router advertisements with every bit as wanted: `advertise.py INTERFACE PREFIX [WORD…]`, for ever.

WORDs are `autonomous`, `managed`, `no-router`, and addresses of resolvers. Only the standard library. RFC 4861 4.2 and
4.6.2, RFC 8106 5.1.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network

EVERY = 2.0  # seconds; nobody is answered who asks
ALL_NODES = "ff02::1"
ADVERTISEMENT = 134
LIFETIME = 1800
MANAGED = 0x80
ON_LINK, AUTONOMOUS = 0x80, 0x40


def prefix_option(prefix: IPv6Network, flags: int) -> bytes:
    """Which addresses are on this link, and whether hosts may make some of their own."""
    head = struct.pack("!BBBBIII", 3, 4, prefix.prefixlen, flags, LIFETIME, LIFETIME, 0)
    return head + prefix.network_address.packed


def resolver_option(resolvers: Sequence[IPv6Address]) -> bytes:
    """Who resolves names."""
    if not resolvers:
        return b""
    return struct.pack("!BBHI", 25, 1 + 2 * len(resolvers), 0, LIFETIME) + b"".join(r.packed for r in resolvers)


def message(prefix: IPv6Network, words: Sequence[str]) -> bytes:
    """The advertisement; the kernel fills in its checksum."""
    flags = MANAGED if "managed" in words else 0
    lifetime = 0 if "no-router" in words else LIFETIME
    resolvers = [IPv6Address(word) for word in words if ":" in word]
    on_link = ON_LINK | (AUTONOMOUS if "autonomous" in words else 0)
    head = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 64, flags, lifetime, 0, 0)
    return head + prefix_option(prefix, on_link) + resolver_option(resolvers)


def main(argv: Sequence[str]) -> int:
    """Say it again and again."""
    interface, prefix, *words = argv
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as out:
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        said = message(IPv6Network(prefix), words)
        while True:
            try:
                out.sendto(said, (ALL_NODES, 0, 0, index))
            except OSError as error:  # the link is not there yet
                print(error, file=sys.stderr)
            time.sleep(EVERY)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
