"""An internet's DNS in memory: two servers that know every zone, two resolvers, each of which may know otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


@define
class World:
    """Answers questions; `views` has what a server believes instead of `records`, `mute` who says nothing.

    Names in `bogus` have signatures that do not hold; `signed` are zones with keys that their parents vouch for.
    """

    records: tuple[Record, ...]
    zones: tuple[str, ...]
    views: dict[str, tuple[Record, ...]] = field(factory=dict)
    mute: frozenset[str] = frozenset()
    lossy: set[str] = field(factory=set)
    signed: frozenset[str] = frozenset()
    bogus: frozenset[str] = frozenset()
    serials: dict[str, int] = field(factory=dict)
    asked: int = 0

    def __call__(
        self, query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
    ) -> dns.message.Message:
        self.asked += 1
        if address in self.mute or address in self.lossy:
            self.lossy.discard(address)
            raise dns.exception.Timeout
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query)
        zone = self._zone(name)
        if address in RESOLVERS.values():
            if zone in self.bogus and not query.flags & dns.flags.CD:
                response.set_rcode(dns.rcode.SERVFAIL)
                return response
            response.flags |= dns.flags.RA | (dns.flags.AD if zone in self.signed else 0)
        elif zone:
            response.flags |= dns.flags.AA
        self._fill(response, address, name, kind)
        return dns.message.from_wire(response.to_wire())

    def _zone(self, name: str) -> str:
        found = [zone for zone in self.zones if name == zone or name.endswith(f".{zone}")]
        return max(found, key=len, default="")

    def _fill(self, response: dns.message.Message, address: str, name: str, kind: str) -> None:
        known = (*self.views.get(address, self.records), *self._of_zones(address))
        here = [record for record in known if record[0] == name]
        if not here:
            inner = any(record[0].endswith(f".{name}") for record in known)
            response.set_rcode(dns.rcode.NOERROR if inner else dns.rcode.NXDOMAIN)
        alias = [data for _, each, data in here if each == "CNAME"]
        for data in alias if kind != "CNAME" else ():
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", data))
            self._fill(response, address, data.rstrip("."), kind)
        if alias and kind != "CNAME":
            return
        if found := [data for _, each, data in here if each == kind]:
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *found))
        else:
            soa = SOA.format(1)
            response.authority.append(dns.rrset.from_text(f"{self._zone(name)}.", 60, "IN", "SOA", soa))

    def _of_zones(self, address: str) -> Iterable[Record]:
        for name, where in SERVERS.items():
            yield name, "A", where
        for zone in self.zones:
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
