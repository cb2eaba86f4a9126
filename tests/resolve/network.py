"""A network that answers as it is told."""

from __future__ import annotations

from collections.abc import Callable

import dns.message
from attrs import define, field

from mailnix.resolve import Server

HERE = Server("ns.example.org", ("192.0.2.1", "2001:db8::1"))
Reply = Callable[[dns.message.Message], dns.message.Message]


@define
class Network:
    """Answers questions by `replies`, one after the other; an exception is a reply, too."""

    replies: list[Reply | Exception]
    asked: list[tuple[str, bool, dns.message.Message]] = field(factory=list)

    def __call__(
        self, query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
    ) -> dns.message.Message:
        self.asked.append((address, tcp, query))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply(query)
