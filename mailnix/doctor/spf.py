"""SPF as a receiver evaluates it (RFC 7208 4): its result for an address, and what it costs in look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import define, frozen

from mailnix.doctor import spf_macros
from mailnix.model.spf import MOST_LOOKUPS
from mailnix.published.meaning import SPF
from mailnix.resolve import Ask, Found, Unasked, text_of

Address = IPv4Address | IPv6Address
MOST_VOIDS: Final = 2  # RFC 7208 4.6.4: look-ups that find nothing
MOST_MX: Final = 10  # likewise: hosts of one `mx`, names of one `ptr`
VERSION: Final = SPF.begins
_ALL: Final = {4: 32, 6: 128}


class Result(StrEnum):
    """What a receiver makes of it (RFC 7208 2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


_QUALIFIERS: Final = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@frozen
class Outcome:
    """A result, why (the mechanism that matched, or what is broken), and how many look-ups it took, or in vain."""

    result: Result
    why: str
    lookups: int = 0
    voids: int = 0


class _PermError(Exception):
    """The record is broken."""


class _TempError(Exception):
    """Somebody did not answer."""


@define
class _Session:
    ask: Ask
    address: Address
    sender: str
    lookups: int = 0
    voids: int = 0

    def look_up(self, term: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _PermError(f"{term} is look-up {self.lookups}: receivers make {MOST_LOOKUPS} (RFC 7208 4.6.4)")

    def found(self, name: str, kind: str) -> tuple[str, ...]:
        match self.ask(name, kind):
            case Found(records=records):
                return records
            case Unasked(why=why):
                raise _TempError(f"{name} {kind}: {why}")
        self.voids += 1
        if self.voids > MOST_VOIDS:
            raise _PermError(f"{name} is name {self.voids} that has no {kind}: receivers stop after {MOST_VOIDS}")
        return ()

    def addresses(self, name: str) -> tuple[str, ...]:
        return self.found(name, "A" if self.address.version == 4 else "AAAA")


def evaluate(ask: Ask, address: Address, domain: str, sender: str = "") -> Outcome:
    """What a receiver says of a mail from `sender` (default: postmaster of `domain`) that comes from `address`."""
    session = _Session(ask, address, sender or f"postmaster@{domain}")
    try:
        result, why = _checked(session, domain)
    except _PermError as error:
        result, why = Result.PERMERROR, str(error)
    except _TempError as error:
        result, why = Result.TEMPERROR, str(error)
    return Outcome(result, why, session.lookups, session.voids)


def records_of(texts: Iterator[str] | tuple[str, ...]) -> list[str]:
    """Those of TXT records that are SPF (RFC 7208 4.5)."""
    return [text for text in texts if text.split(" ", 1)[0].lower() == VERSION]


def _checked(session: _Session, domain: str) -> tuple[Result, str]:
    records = records_of(tuple(text_of(data) for data in session.found(domain, "TXT")))
    if not records:
        return Result.NONE, f"{domain} has no SPF record"
    if len(records) > 1:
        raise _PermError(f"{domain} has {len(records)} SPF records")
    redirect = ""
    for term in records[0].split()[1:]:
        if "=" in term.split(":")[0].split("/")[0]:
            redirect = term.partition("=")[2] if term.lower().startswith("redirect=") else redirect
            continue
        qualifier, rest = (term[0], term[1:]) if term[0] in _QUALIFIERS else ("+", term)
        if _matches(session, domain, rest):
            return _QUALIFIERS[qualifier], f"{term} of {domain}"
    if not redirect:
        return Result.NEUTRAL, f"nothing of {domain} matches"
    session.look_up(f"redirect={redirect}")
    result, why = _checked(session, _expanded(session, domain, redirect))
    if result is Result.NONE:
        raise _PermError(why)
    return result, why


def _expanded(session: _Session, domain: str, text: str) -> str:
    try:
        return spf_macros.expanded(text, str(session.address), session.sender, domain)
    except ValueError as error:
        raise _PermError(f"{text}: {error}") from None


def _matches(session: _Session, domain: str, term: str) -> bool:
    name, target, four, six = _parts(term)
    match name:
        case "all":
            return True
        case "ip4" | "ip6":
            return _within(session.address, term.partition(":")[2], term)
    where = _expanded(session, domain, target) if target else domain
    if name not in ("include", "exists", "a", "mx", "ptr") or (name in ("include", "exists") and not target):
        raise _PermError(f"{term} is no mechanism")
    lengths = {4: _length(four, 4, term), 6: _length(six, 6, term)}
    length = lengths[session.address.version]
    session.look_up(term)
    match name:
        case "include":
            return _included(session, where)
        case "exists":
            return bool(session.found(where, "A"))
        case "a":
            return _among(session, session.addresses(where), length)
        case "mx":
            return any(_among(session, session.addresses(host), length) for host in _mx(session, where))
        case _:
            return _by_name(session, where)


def _parts(term: str) -> tuple[str, str, str, str]:
    """A mechanism's name, domain and lengths of networks as they are written (RFC 7208 5.6)."""
    head, _, six = term.partition("//")
    head, _, four = head.partition("/")
    name, _, target = head.partition(":")
    return name.lower(), target, four, six


def _length(text: str, version: int, term: str) -> int:
    """How many bits of an address count: all of them, where nothing is written."""
    if not text:
        return _ALL[version]
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= _ALL[version]):
        raise _PermError(f"{term} names no network")
    return int(text)


def _within(address: Address, network: str, term: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        raise _PermError(f"{term} names no network") from None


def _among(session: _Session, addresses: tuple[str, ...], length: int) -> bool:
    return any(session.address in ip_network(f"{each}/{length}", strict=False) for each in addresses)


def _mx(session: _Session, domain: str) -> Iterator[str]:
    hosts = session.found(domain, "MX")
    if len(hosts) > MOST_MX:
        raise _PermError(f"mx of {domain} is {len(hosts)} hosts: receivers look up {MOST_MX}")
    yield from (host.split()[1].rstrip(".") for host in hosts if host.split()[1] != ".")


def _included(session: _Session, domain: str) -> bool:
    result, why = _checked(session, domain)
    if result is Result.NONE:
        raise _PermError(f"include:{domain}: {why}")
    return result is Result.PASS


def _by_name(session: _Session, domain: str) -> bool:
    names = [name.rstrip(".").lower() for name in session.found(session.address.reverse_pointer, "PTR")]
    within = [name for name in names[:MOST_MX] if name == domain or name.endswith(f".{domain}")]
    return any(session.address in map(ip_address, session.addresses(name)) for name in within)
