"""Whom DNS is asked, and the three kinds of answer: what there is, what there is not, what nobody could say."""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

from attrs import frozen

PORT: Final = 53


@frozen
class Server:
    """A DNS server: what people call it, its addresses in order of preference, and its port."""

    name: str
    addresses: tuple[str, ...]
    port: int = PORT


@frozen
class Found:
    """What there is: data in zone-file form, sorted; the names that aliases (CNAME) led through; seconds to live.

    `authenticated` is whether the server says that DNSSEC proves it: as good as the way to that server.
    """

    records: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    ttl: int = 0
    authenticated: bool = False


@frozen
class Absent:
    """There is no such record; `exists` is whether the name has others, `aliases` what led elsewhere."""

    exists: bool
    aliases: tuple[str, ...] = ()
    authenticated: bool = False


@frozen
class Unasked:
    """Nobody could say: `why` in words; `rcode` is the answer's (SERVFAIL, REFUSED), empty where none came.

    `no_way` is whether this machine has none to any address of the server: it may be well.
    """

    why: str
    rcode: str = ""
    no_way: bool = False


NOBODY: Final = Unasked("no resolver is known")
Answer: TypeAlias = Found | Absent | Unasked
Question: TypeAlias = tuple[str, str]
"""An absolute name without its last dot, and a type."""


class Ask(Protocol):
    """How code asks a question; tests pass a fake."""

    def __call__(self, name: str, kind: str, /) -> Answer:
        """What there is of type `kind` at `name`, an absolute name without its last dot."""
        ...


@frozen
class Zone:
    """Where a name is really kept: the zone's name (empty for the root) and its servers."""

    name: str
    servers: tuple[Server, ...]
