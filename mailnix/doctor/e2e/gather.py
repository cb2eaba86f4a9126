"""Send a mail each way and wait for it. How that is done is a door that is given: live over SSH, or a lab's."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from attrs import evolve, frozen

from mailnix.doctor.e2e.judge import CHECKS, Trip, Trips
from mailnix.doctor.registry import MAIL, Group
from mailnix.doctor.scene import Scene
from mailnix.errors import MailnixError

PATIENCE: Final = 300.0
"""Seconds for a mail: greylisting, which lets it in after five minutes, is told from loss by the queue's check."""

PAUSE: Final = 5.0  # seconds between looks


@frozen
class Arrived:
    """A mail that arrived: its bytes, or what the receiver said where its mailbox is not ours to read."""

    raw: bytes | None = None
    taken: str = ""


class Post(Protocol):
    """How mails are sent and found, by a token in their Message-ID; everything may raise MailnixError.

    `out` and `back` are the ways as they are planned: from whom, to whom, judged by which server; None: no such way.
    """

    @property
    def out(self) -> Trip | None:
        """From home to elsewhere."""
        ...

    @property
    def back(self) -> Trip | None:
        """From elsewhere to home."""
        ...

    def send(self, trip: Trip, token: str, /) -> None:
        """Hand a mail over at its beginning."""
        ...

    def find(self, trip: Trip, token: str, /) -> Arrived | None:
        """Look for it once at its end."""
        ...


@frozen
class Clock:
    """Seconds that only go forwards."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


WALL: Final = Clock()


def travelled(post: Post, trip: Trip, clock: Clock = WALL, patience: float = PATIENCE) -> Trip:
    """A trip with what became of it."""
    token = f"mailnix-doctor-{secrets.token_hex(8)}"
    begun = clock.now()
    try:
        post.send(trip, token)
        while True:
            arrived = post.find(trip, token)
            seconds = clock.now() - begun
            if arrived is not None:
                return evolve(trip, raw=arrived.raw, taken=arrived.taken, seconds=seconds)
            if seconds >= patience:
                return evolve(trip, seconds=seconds)
            clock.sleep(PAUSE)
    except MailnixError as error:
        return evolve(trip, why=error.message, hint=error.hint)


def group(post: Callable[[Scene], Post], clock: Clock = WALL, patience: float = PATIENCE) -> Group[Trips]:
    """The group of both checks, by a door."""

    def gather(scene: Scene, wanted: Collection[str]) -> Trips:
        door = post(scene)
        ways = {"e2e.out": door.out, "e2e.in": door.back}
        found = {
            name: travelled(door, trip, clock, patience)
            for name, trip in ways.items()
            if name in wanted and trip is not None
        }
        return Trips(found.get("e2e.out"), found.get("e2e.in"))

    return Group(MAIL, CHECKS, gather)
