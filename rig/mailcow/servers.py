"""Servers of ours on addresses of a space, each connection in a thread; what they see is kept in lists."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from socketserver import BaseRequestHandler, ThreadingTCPServer, ThreadingUDPServer
from typing import Any

from rig.mailcow.space import Space
from rig.servers import running


class Server(ThreadingTCPServer):
    """Over TCP."""

    allow_reuse_address = True
    daemon_threads = True


class DatagramServer(ThreadingUDPServer):
    """Over UDP."""

    allow_reuse_address = True
    daemon_threads = True


@contextlib.contextmanager
def serving(
    space: Space, kind: type[Any], address: tuple[str, int], handler: type[BaseRequestHandler]
) -> Iterator[Any]:
    """A server of that kind until the end of the block."""
    with space.sockets():
        server = kind(address, handler)
    with running(server):
        yield server
