"""Ports that are free, ports that answer, and waiting with a bound."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable

PATIENCE = 30.0


def until(
    condition: Callable[[], bool], what: str, seconds: float = PATIENCE, said: Callable[[], str] = lambda: ""
) -> None:
    """Wait for a condition; raises AssertionError naming it, with what is `said` of it then."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s\n{said()}".rstrip()
        pause.wait(0.05)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def free_net() -> str:
    """The first three numbers of a /24 of loopback that nobody else is likely to use."""
    return "127." + ".".join(str(random.randrange(2, 250)) for _ in range(2))


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False
