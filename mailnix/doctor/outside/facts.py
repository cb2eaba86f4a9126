"""What was heard of the proxies from where the doctor runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import TypeAlias

from attrs import field, frozen

from mailnix.doctor.here import Asked, Page, Reached, Replies, Spoken, Target
from mailnix.plan import Plan
from mailnix.resolve import Answer

Beside: TypeAlias = tuple[int, int]
"""A port, and a version of IP."""


@frozen
class Place:
    """A public port of a proxy at one of its addresses; `speaks` as `Target` has it, empty where it is only opened."""

    address: str
    port: int
    name: str = ""
    speaks: str = ""
    starttls: bool = False

    @property
    def target(self) -> Target:
        """How it is spoken with."""
        return Target(self.address, self.port, self.name, self.speaks, self.starttls)

    @property
    def beside(self) -> Beside:
        """Where others are tried when nothing answers here."""
        return self.port, ip_address(self.address).version

    @property
    def at(self) -> str:
        """Address and port, as people write them."""
        return (
            f"[{self.address}]:{self.port}" if ip_address(self.address).version == 6 else f"{self.address}:{self.port}"
        )


@frozen
class Listing:
    """What a DNS block list says of an address or a domain, and of the two test entries (RFC 5782 5).

    `listed` is of what every list has, `unlisted` of what none has: a list that says otherwise says nothing.
    """

    subject: str
    zone: str
    said: Answer
    listed: Answer
    unlisted: Answer


@frozen
class OutsideFacts:
    """Everything that the checks from outside judge.

    `controls` are servers of others at the same ports (NO_ROUTE: nobody was found to compare with). Sessions are by
    place, `relays` what a server answered to strangers' attempts to relay.
    """

    plan: Plan
    now: datetime
    sessions: Mapping[Place, Spoken] = field(factory=dict)
    controls: Mapping[Beside, Reached] = field(factory=dict)
    relays: Mapping[Place, Replies] = field(factory=dict)
    pages: Mapping[Asked, Page] = field(factory=dict)
    listings: tuple[Listing, ...] = ()

    def heard(self) -> Iterator[tuple[Place, Spoken]]:
        """Sessions that began."""
        return ((place, spoken) for place, spoken in self.sessions.items() if spoken.reached is Reached.YES)
