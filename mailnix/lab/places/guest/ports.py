#!/usr/bin/env python3
"""Which TCP ports are open, by connecting: `ports.py SOURCE TARGET PORT…`, all at once. Prints JSON.

`tried` is how many of them could be tried at all, which none can from an address that is not here. Only the standard
library; much cheaper to start than nmap, in emulation.
"""

from __future__ import annotations

import errno
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

PATIENCE = 2.5  # seconds; the kernel sends a SYN that was lost again after one


def knock(source: str, target: str, port: int) -> socket.socket:
    """A connection on its way; raises OSError where it cannot even begin."""
    family, kind, protocol, _, address = socket.getaddrinfo(target, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.bind((source, 0, 0, address[3]) if len(address) == 4 else (source, 0))
        began = sock.connect_ex(address)
        if began not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
            raise OSError(began, "cannot connect")
    except OSError:
        sock.close()
        raise
    return sock


def answering(source: str, target: str, ports: Iterable[int]) -> tuple[set[int], int]:
    """The ports that take a connection, and how many were tried."""
    found: set[int] = set()
    with selectors.DefaultSelector() as waiting:
        for port in ports:
            waiting.register(knock(source, target, port), selectors.EVENT_WRITE, port)
        tried = len(waiting.get_map())
        until = time.monotonic() + PATIENCE
        while waiting.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                sock: Any = key.fileobj
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.add(key.data)
                waiting.unregister(sock)
                sock.close()
        for key in list(waiting.get_map().values()):
            waiting.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]  # it is one of our sockets
    return found, tried


def main(argv: Sequence[str]) -> int:
    """Try all ports."""
    source, target, *words = argv
    found, tried = answering(source, target, map(int, words))
    print(json.dumps({"open": sorted(found), "tried": tried}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
