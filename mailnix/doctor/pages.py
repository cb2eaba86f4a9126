"""A web server's answer, of which no more is read than so much, whatever it says of its length.

`http.client` believes a chunk whose length is below zero: of -1 it reads all that comes, into memory.
"""

from __future__ import annotations

import io
from http.client import HTTPResponse
from typing import Any, Final

MOST: Final = 1 << 20
"""Bytes of an answer's text; twice as many are read with its header and the lengths of its chunks."""


class Bounded(HTTPResponse):
    """As its parent, up to the last byte that is read."""

    def __init__(self, *where: Any, **settings: Any) -> None:
        super().__init__(*where, **settings)
        self.fp = io.BufferedReader(_UpTo(self.fp.detach(), 2 * MOST))


class _UpTo(io.RawIOBase):
    """What comes from a connection, which then seems to end."""

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        self._raw = raw
        self._left = most

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As RawIOBase has it."""
        wanted = memoryview(buffer)[: self._left]
        count: int | None = self._raw.readinto(wanted) if wanted else 0
        self._left -= count or 0
        return count

    def close(self) -> None:
        """Let go of the connection, too."""
        self._raw.close()
        super().close()
