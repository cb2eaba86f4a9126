"""Sockets in another network namespace, made by this process."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CLONE_NEWNET: Final = 0x40000000


@contextlib.contextmanager
def sockets_of(namespace: Path) -> Iterator[None]:
    """This thread's sockets are made in a namespace, named by its file; setns(2), which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as back, namespace.open() as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(back.fileno(), CLONE_NEWNET)
