"""SMTP sessions with a limit on the whole of each: smtplib's own begins anew with every byte that comes."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field

_AGAIN: Final = 1.0  # seconds; a socket that had just been made, or was being taken over by TLS, is cut then


@define
class Limit:
    """Seconds that a session may take; `passed` is whether it was cut off."""

    seconds: float
    passed: bool = False
    session: smtplib.SMTP | None = None
    _done: threading.Event = field(factory=threading.Event)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Within it, the session is cut off when its time is over: whatever it waits for then ends with an error."""
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._done.set()
            watch.join()

    def _watch(self) -> None:
        wait = self.seconds
        while not self._done.wait(wait):
            self.passed = True
            wait = _AGAIN
            if self.session is not None and self.session.sock is not None:
                # Not the socket's own shutdown, which under TLS takes from the reading thread what it reads with.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self.session.sock, socket.SHUT_RDWR)


class _Limited:
    """Known to its limit before it connects, for a greeting may be what never ends."""

    def __init__(self, limit: Limit, *where: Any, **settings: Any) -> None:
        assert isinstance(self, smtplib.SMTP)
        limit.session = self
        super().__init__(*where, **settings)


class Plain(_Limited, smtplib.SMTP):
    """Without TLS, until STARTTLS."""


class Tls(_Limited, smtplib.SMTP_SSL):
    """With TLS from the start."""
