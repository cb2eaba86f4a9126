"""Python's own servers, each in a thread until it is no longer needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from socketserver import TCPServer
from threading import Thread


@contextlib.contextmanager
def running(server: TCPServer) -> Iterator[int]:
    """Let a server answer until the end of the block, and close it then; gives its port."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
