"""An internet's DNS in memory: two servers that know every zone, two resolvers, each of which may know otherwise."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from attrs import define, field

from mailnix.doctor.dns.checks import CHECKS
from mailnix.doctor.dns.facts import DnsFacts
from mailnix.doctor.dns.gather import Doors, gathered
from mailnix.doctor.values import Finding
from mailnix.plan import Plan
from mailnix.resolve import Server
from tests.doctor.here import Elsewhere

Record = tuple[str, str, str]
SERVERS = {"ns1.nic.example": "192.0.2.53", "ns2.nic.example": "192.0.2.54"}
RESOLVERS = {"resolver one": "192.0.2.1", "resolver two": "192.0.2.2"}
EVERYBODY = (*SERVERS.values(), *RESOLVERS.values())
SOA = "ns1.nic.example. hostmaster.nic.example. {} 3600 600 86400 60"


def records_of(plan: Plan) -> tuple[Record, ...]:
    """What a description publishes."""
    return tuple((each.name, each.type, each.data) for each in plan.records if not each.placeholder)


def zones_of(plan: Plan) -> tuple[str, ...]:
    """Where its names are kept."""
    reverse = (each.name.partition(".")[2] for each in plan.records if each.type == "PTR")
    return tuple(dict.fromkeys((*filter(None, (each.zone for each in plan.records)), *reverse, "nic.example")))


@cache
def message(
    name: str, kind: str, flags: int, rcode: str, sets: tuple[tuple[str, str, tuple[str, ...]], ...], zone: str = ""
) -> dns.message.Message:
    """A response as it comes off the wire; one whose question has no answer has its zone's SOA."""
    response = dns.message.make_response(dns.message.make_query(f"{name}.", kind))
    response.flags |= flags
    response.set_rcode(dns.rcode.from_text(rcode))
    for owner, each, data in sets:
        response.answer.append(dns.rrset.from_text(f"{owner}.", 60, "IN", each, *data))
    if not any(each == kind for _, each, _ in sets):
        response.authority.append(dns.rrset.from_text(f"{zone}.", 60, "IN", "SOA", SOA.format(1)))
    return dns.message.from_wire(response.to_wire())


def _sets(known: Sequence[Record], name: str, kind: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Sets of records that answer a question, along aliases."""
    here = [(each, data) for owner, each, data in known if owner == name]
    alias = [data for each, data in here if each == "CNAME" != kind]
    if alias:
        yield name, "CNAME", (alias[0],)
        yield from _sets(known, alias[0].rstrip("."), kind)
    elif found := tuple(data for each, data in here if each == kind):
        yield name, kind, found


@define
class World:
    """Answers questions; `views` has what a server believes instead of `records`, `mute` who says nothing.

    Names in `bogus` have signatures that do not hold; `signed` are zones with keys that their parents vouch for.
    To servers in `far` this machine has no way. Resolvers in `failing` answer SERVFAIL about zones of ours, unless they
    are not to check: something kept them.
    """

    records: tuple[Record, ...]
    zones: tuple[str, ...]
    views: dict[str, tuple[Record, ...]] = field(factory=dict)
    mute: frozenset[str] = frozenset()
    lossy: set[str] = field(factory=set)
    signed: frozenset[str] = frozenset()
    bogus: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    far: frozenset[str] = frozenset()
    serials: dict[str, int] = field(factory=dict)
    rootless: bool = False
    asked: int = 0

    def __call__(
        self, query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
    ) -> dns.message.Message:
        self.asked += 1
        if address in self.far:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        if address in self.mute or address in self.lossy:
            self.lossy.discard(address)
            raise dns.exception.Timeout
        (question,) = query.question
        name, kind = question.name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        zone, is_resolver = self._zone(name), address in RESOLVERS.values()
        fails = zone in self.bogus or (address in self.failing and zone != "")
        if is_resolver and fails and not query.flags & dns.flags.CD:
            return message(name, kind, dns.flags.RA, "SERVFAIL", ())
        flags = dns.flags.RA | (dns.flags.AD if zone in self.signed else 0) if is_resolver else 0
        if self.rootless:
            return message(name, kind, dns.flags.RA, "NOERROR", ())
        known = (*self.views.get(address, self.records), *self._of_zones(address))
        sets = tuple(_sets(known, name, kind))
        exists = bool(sets) or any(each == name or each.endswith(f".{name}") for each, _, _ in known)
        return message(name, kind, flags or bool(zone) * dns.flags.AA, "NOERROR" if exists else "NXDOMAIN", sets, zone)

    def _zone(self, name: str) -> str:
        found = [zone for zone in self.zones if name == zone or name.endswith(f".{zone}")]
        return max(found, key=len, default="")

    def _of_zones(self, address: str) -> Iterable[Record]:
        for name, where in SERVERS.items():
            yield name, "A", where
        for zone in ("", *self.zones):
            yield from ((zone, "NS", f"{name}.") for name in SERVERS)
            yield zone, "SOA", SOA.format(self.serials.get(address, 1))
            if zone in self.signed | self.bogus:
                yield zone, "DS", f"1 13 2 {'00' * 32}"
                yield zone, "DNSKEY", "257 3 13 AAAA"


def world(plan: Plan, records: Iterable[Record] | None = None, **said: object) -> World:
    """One in which a description's records are published, or these instead."""
    return World(tuple(records_of(plan) if records is None else records), zones_of(plan), **said)  # type: ignore[arg-type]


def facts(plan: Plan, internet: World, here: Elsewhere | None = None) -> DnsFacts:
    """What the doctor gathers of it."""
    resolvers = tuple(Server(name, (address,)) for name, address in RESOLVERS.items())
    doors = Doors(resolvers, here or Elsewhere.as_described(plan), internet)
    return gathered(plan, doors, {check.id for check in CHECKS})


def findings(plan: Plan, internet: World, here: Elsewhere | None = None) -> list[Finding]:
    """What all checks of names say of it."""
    known = facts(plan, internet, here)
    return [check.finding(verdict) for check in CHECKS for verdict in check.judge(known)]


def bad(found: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """What is not well, by id."""
    by_id: dict[str, list[Finding]] = {}
    for each in found:
        if each.answer.name != "WELL":
            by_id.setdefault(each.id, []).append(each)
    return by_id
