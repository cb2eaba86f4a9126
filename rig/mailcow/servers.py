"""Servers of ours on addresses of a space, each connection in a thread; what they see is kept in lists."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer, ThreadingUDPServer
from threading import Thread
from typing import Any

from rig.mailcow.space import Space


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


@contextlib.contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Answer until the end of the block."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
