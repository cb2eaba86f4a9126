#!/usr/bin/env python3
"""A time server (SNTP, RFC 4330) that tells this machine's clock; its socket comes from systemd (sd_listen_fds(3)).

Only the standard library; it runs on the internet machine. Debian's time servers cannot be installed beside the client
that every machine of the lab has.
"""

from __future__ import annotations

import socket
import struct
import time

SOCKET = 3  # the first descriptor that systemd hands over
PACKET = struct.Struct("!BBbbII4sQQQQ")
EPOCH = 2_208_988_800  # seconds from 1900, when NTP's time begins, to 1970
CLIENT, SERVER = 3, 4
VERSION = 0b00111000
STRATUM = 8  # a clock that is told by nobody, as chrony's `local` says it
PRECISION = -20  # about a microsecond, as a power of two


def stamp(seconds: float) -> int:
    """A time as NTP's 64 bits: seconds since 1900, and their fraction."""
    return int((seconds + EPOCH) * 2**32) & (2**64 - 1)


def answer(question: bytes, received: float, now: float) -> bytes | None:
    """What to say to a packet that came at `received`; None to what is no client's question."""
    if len(question) < PACKET.size or question[0] & 0b111 != CLIENT:
        return None
    asked = PACKET.unpack_from(question)
    head = asked[0] & VERSION | SERVER
    return PACKET.pack(
        head, STRATUM, asked[2], PRECISION, 0, 0, b"LOCL", stamp(received), asked[-1], stamp(received), stamp(now)
    )


def serve(sock: socket.socket) -> None:
    """Answer one packet."""
    question, sender = sock.recvfrom(1024)
    said = answer(question, time.time(), time.time())
    if said is not None:
        sock.sendto(said, sender)


if __name__ == "__main__":
    with socket.socket(fileno=SOCKET) as listening:
        while True:
            serve(listening)
