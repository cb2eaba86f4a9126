"""Mail domains elsewhere that say how mail must come to them: by DANE or MTA-STS, each once rightly, once not; by IPv6.

All are the one mail server's, under names of its own for each, so that only what a domain publishes tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from mailnix.lab.internet.layout import TLS, Layout
from mailnix.model import ports

TLSA: Final = f"{TLS}/tlsa.zone"
"""The TLSA records; they come with the certificates that they mean."""


@frozen
class Receiver:
    """A mail domain, and whether what it publishes fits its mail server."""

    name: str
    holds: bool

    @property
    def mx(self) -> str:
        """The name of its mail server."""
        return f"mx.{self.name}"

    @property
    def policy_host(self) -> str:
        """Where its MTA-STS policy would be (RFC 8461 3.3)."""
        return f"mta-sts.{self.name}"


def dane(layout: Layout) -> tuple[Receiver, Receiver]:
    """A domain whose TLSA record is that of its server's key, and one whose is another key's."""
    return Receiver(f"tlsa-right.{layout.domain}", True), Receiver(f"tlsa-wrong.{layout.domain}", False)


def mta_sts(layout: Layout) -> tuple[Receiver, Receiver]:
    """A domain whose MTA-STS policy names its server, and one whose names another."""
    return Receiver(f"sts-right.{layout.domain}", True), Receiver(f"sts-wrong.{layout.domain}", False)


def ipv6_only(layout: Layout) -> Receiver:
    """A domain whose server has no IPv4 address."""
    return Receiver(f"ipv6-only.{layout.domain}", True)


def receivers(layout: Layout) -> tuple[Receiver, ...]:
    """All of them."""
    return (*dane(layout), *mta_sts(layout), ipv6_only(layout))


def policy(receiver: Receiver) -> str:
    """The text of an MTA-STS policy (RFC 8461 3.2)."""
    named = receiver.mx if receiver.holds else f"other.{receiver.name}"
    return f"version: STSv1\nmode: enforce\nmx: {named}\nmax_age: 86400\n"


def zone_lines(layout: Layout) -> Iterator[str]:
    """What DNS says of them, but for the TLSA records."""
    for receiver in receivers(layout):
        yield f"{receiver.name}. IN MX 10 {receiver.mx}."
        for address in layout.mx.addresses:
            if address.version == 6 or receiver != ipv6_only(layout):
                yield f"{receiver.mx}. IN {'A' if address.version == 4 else 'AAAA'} {address}"
    for receiver in mta_sts(layout):
        yield f'_mta-sts.{receiver.name}. IN TXT "v=STSv1; id=1"'
        yield f"{receiver.policy_host}. IN A {layout.acme.ipv4}"
    yield f'$INCLUDE "{TLSA}"'


def tlsa_zone(layout: Layout, *, right: str, wrong: str) -> str:
    """The TLSA records (RFC 6698): SHA-256 of the mail server's public key (3 1 1), and of another one, in hex."""
    return "".join(
        f"_{ports.SMTP}._tcp.{receiver.mx}. 300 IN TLSA 3 1 1 {right if receiver.holds else wrong}\n"
        for receiver in dane(layout)
    )
