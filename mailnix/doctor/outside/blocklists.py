"""DNS block lists: whether a list that really answers has one of our addresses or domains (RFC 5782)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from attrs import frozen

from mailnix.doctor.outside.facts import Listing, OutsideFacts
from mailnix.doctor.outside.places import addresses
from mailnix.doctor.values import Answer, Vantage, Verdict
from mailnix.plan import Plan
from mailnix.resolve import Absent, Ask, Found, Unasked
from mailnix.resolve import Answer as Told

LOOPBACK: Final = ip_network("127.0.0.0/8")
REFUSED: Final = ip_network("127.255.255.0/24")
"""Answers by which Spamhaus says that it does not answer: who asks uses a public resolver, or asks too much."""


@frozen
class BlockList:
    """A list: its zone, whether it has addresses of both families, and where it says why something is on it."""

    zone: str
    look: str
    ipv6: bool = False


OF_ADDRESSES: Final = (
    BlockList("zen.spamhaus.org", "https://check.spamhaus.org", ipv6=True),
    BlockList("bl.spamcop.net", "https://www.spamcop.net/bl.shtml"),
    BlockList("psbl.surriel.com", "https://psbl.org"),
)
OF_DOMAINS: Final = (BlockList("dbl.spamhaus.org", "https://check.spamhaus.org"),)
_BY_ZONE: Final = {each.zone: each for each in (*OF_ADDRESSES, *OF_DOMAINS)}
TEST: Final = ("127.0.0.2", "127.0.0.1")
TEST6: Final = ("::ffff:7f00:2", "::ffff:7f00:1")
TEST_NAMES: Final = ("test", "invalid")
"""Entries that every list has, and that none has (RFC 5782 5)."""


def reversed_name(subject: str) -> str:
    """An address as block lists have it (RFC 5782 2.1, 2.4); a domain as it is (3)."""
    try:
        address = ip_address(subject)
    except ValueError:
        return subject
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def asked(plan: Plan) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """What is looked up where, and which test entries tell whether the list answers."""
    for proxy in plan.proxies:
        for address in addresses(proxy):
            is6 = ip_address(address).version == 6
            yield from ((address, each.zone, TEST6 if is6 else TEST) for each in OF_ADDRESSES if each.ipv6 or not is6)
    for domain in plan.domain_names:
        yield from ((domain, each.zone, TEST_NAMES) for each in OF_DOMAINS)


def listing(ask: Ask, subject: str, zone: str, tests: tuple[str, str]) -> Listing:
    """Ask a list about a subject, and about its test entries."""
    said, listed, unlisted = (ask(f"{reversed_name(each)}.{zone}", "A") for each in (subject, *tests))
    return Listing(subject, zone, said, listed, unlisted)


def blocklists(facts: OutsideFacts) -> Iterator[Verdict]:
    """No address or domain of ours is on a block list."""
    for each in facts.listings:
        yield _verdict(each)


def _verdict(each: Listing) -> Verdict:
    subject = f"{each.subject} in {each.zone}"
    if (why := silence(each)) is not None:
        advice = "ask with a resolver of your own, not a public one: --resolver ADDRESS"
        return Verdict(subject, Answer.UNASKED, why, advice, Vantage.RESOLVER)
    if isinstance(each.said, Found):
        advice = f"see {_BY_ZONE[each.zone].look} for the reason, end it, and ask to be taken off"
        evidence = f"listed: {', '.join(each.said.records)}"
        return Verdict(subject, Answer.WRONG, evidence, advice, Vantage.RESOLVER)
    return Verdict(subject, Answer.WELL, "not listed", vantage=Vantage.RESOLVER)


def silence(each: Listing) -> str | None:
    """Why the list's answers mean nothing; None where they mean something."""
    for answer in (each.said, each.listed, each.unlisted):
        if isinstance(answer, Unasked):
            return answer.why
        if refusal := _refusal(answer):
            return f"the list refuses to answer: {refusal}"
    if isinstance(each.listed, Absent):
        return "the list lacks its own test entry: it does not answer this resolver, or is closed"
    return "the list has everything, so it says nothing" if isinstance(each.unlisted, Found) else None


def _refusal(answer: Told) -> str:
    """An answer that is no entry: a refusal, or an address that some resolver makes up."""
    found = [ip_address(each) for each in answer.records] if isinstance(answer, Found) else []
    return ", ".join(str(each) for each in found if each in REFUSED or each not in LOOPBACK)
