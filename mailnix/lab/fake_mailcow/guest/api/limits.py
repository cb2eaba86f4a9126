"""How much a mailbox may send, in the hash in Redis where Mailcow keeps it; nothing here reads it for filtering."""

from __future__ import annotations

from .resp import Redis
from .store import Store
from .words import Answer, Attributes, Row, danger, integer, several, success, text

VALUES = "RL_VALUE"
FRAMES = ("s", "m", "h", "d")


class Limits:
    """Limits by mailbox."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self._redis = redis
        self._store = store

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Set limits; a value of 0 takes one away."""
        return [self.save(str(address), attributes) for address in several(items)]

    def save(self, address: str, attributes: Attributes) -> Answer:
        """Set one."""
        value, frame = integer(attributes.get("rl_value")), text(attributes, "rl_frame")
        if frame not in FRAMES:
            return danger("rl_timeframe")
        if not self._store.row("SELECT username FROM mailbox WHERE username = ?", (address,)):
            return danger("access_denied")
        if value:
            self._redis("HSET", VALUES, address, f"{value} / 1{frame}")
        else:
            self.drop(address)
        return success("rl_saved", address)

    def drop(self, address: str) -> None:
        """Forget one."""
        self._redis("HDEL", VALUES, address)

    def shown(self, address: str) -> Row:
        """The part of a mailbox's details that is about it."""
        value, _, frame = self._redis.text("HGET", VALUES, address).partition(" / 1")
        if not value:
            return {"rl": False, "rl_scope": "domain"}
        return {"rl": {"value": value, "frame": frame}, "rl_scope": "mailbox"}
