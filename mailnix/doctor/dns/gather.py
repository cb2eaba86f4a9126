"""Gather what is published about a description's names, from every server that knows it, and what its servers show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from itertools import chain
from typing import Final, TypeVar

from attrs import evolve, field, frozen

from mailnix import resolve
from mailnix.doctor import again, spf
from mailnix.doctor.dns.facts import DnsFacts, Seen, SpfSeen, ZoneSeen
from mailnix.doctor.dns.questions import questions
from mailnix.doctor.dns.served import PATH
from mailnix.doctor.here import SMTP, Asked, Here, Page, Spoken, Target
from mailnix.model import ports
from mailnix.model.policies import MtaStsMode
from mailnix.plan import Plan, ProxyPlan
from mailnix.plan.dns import shown_hosts, tlsa_name
from mailnix.plan.policies import mta_sts_name
from mailnix.published import athome
from mailnix.published.asking import led_on
from mailnix.resolve import Absent, Answer, Ask, Exchange, Found, Server, Unasked, Zone, over_network

PUBLIC: Final = ("9.9.9.9", "1.1.1.1", "8.8.8.8")
"""Resolvers of others that many receivers ask, and that check DNSSEC."""
STRANGERS: Final = ("198.18.0.1", "100::1")
"""Addresses from which nobody sends (RFC 2544, RFC 6666)."""
TOGETHER: Final = 16  # questions under way
T = TypeVar("T")
S = TypeVar("S")


@frozen
class Doors:
    """How names and servers are asked; tests pass others. `resolvers` are the recursive ones, the best first.

    `asleep` are those that were found not to answer at all, with why.
    """

    resolvers: tuple[Server, ...]
    here: Here
    exchange: Exchange = over_network
    asleep: Mapping[str, Unasked] = field(factory=dict)


def gathered(plan: Plan, doors: Doors, wanted: Collection[str]) -> DnsFacts:
    """Everything that the wanted checks judge."""
    doors = _awake(doors)
    zones, seen = _names(questions(plan), doors, [each for proxy in plan.proxies for each in addresses(proxy)])
    facts = DnsFacts(plan, seen, {zone.name: zone for zone in zones.values()}, {n: z.name for n, z in zones.items()})
    if not {"dns.spf", "dns.spf_result"}.isdisjoint(wanted):
        facts = evolve(facts, spf=tuple(_spf(plan, _first(doors))))
    if "dns.mta_sts_policy" in wanted:
        facts = evolve(facts, policies=_policies(plan, doors.here))
    if "dns.tlsa" in wanted:
        facts = evolve(facts, servers=_servers(facts, doors.here))
    return facts


def _awake(doors: Doors) -> Doors:
    """Resolvers that say nothing to one question are asked no others, each of which takes ten seconds.

    Nor are those believed that know no root: a network that answers all questions itself knows nothing of the world's.
    """
    said = _map(lambda each: resolve.recursive(each, doors.exchange)("", "NS"), doors.resolvers)
    asleep = {each.name: why for each, answer in said.items() if (why := _sleeps(each, answer)) is not None}
    awake = tuple(each for each in doors.resolvers if each.name not in asleep)
    return evolve(doors, resolvers=awake, asleep=asleep)


def _sleeps(resolver: Server, root: Answer) -> Unasked | None:
    match root:
        case Unasked(rcode=""):
            return root
        case Absent():
            return Unasked(f"{resolver.name}: knows no root of DNS, so it does not ask the world")
    return None


def _map(work: Callable[[T], S], items: Iterable[T]) -> dict[T, S]:
    wanted = list(dict.fromkeys(items))
    with ThreadPoolExecutor(TOGETHER) as pool:
        return dict(zip(wanted, pool.map(work, wanted), strict=True))


def _first(doors: Doors, way: Callable[[Server, Exchange], Ask] = resolve.recursive) -> Ask:
    """The first resolver that answers each question."""
    nobody = next(iter(doors.asleep.values()), resolve.NOBODY)
    return resolve.first_of((way(each, doors.exchange) for each in doors.resolvers), nobody)


def _names(
    wanted: Mapping[str, Sequence[str]], doors: Doors, ours: Collection[str]
) -> tuple[dict[str, ZoneSeen], dict[str, Seen]]:
    """The zone of each name, and what is at it."""
    authorities = _Authorities(doors)
    found = _map(authorities.of, wanted)
    zones = _map(partial(_zone, doors), [zone for zone in found.values() if isinstance(zone, Zone)])
    by_name = {name: zones[zone] for name, zone in found.items() if isinstance(zone, Zone)}
    servers = {server.name: server for zone in zones for server in zone.servers}
    jobs = {name: list(_jobs(name, kinds, by_name.get(name), servers, doors)) for name, kinds in wanted.items()}
    answers = _map(lambda job: job.ask(job.name, job.kind), chain.from_iterable(jobs.values()))
    known = _without_home(answers, ours)
    return by_name, {name: _seen(each, known) for name, each in jobs.items()}


def _without_home(answers: Mapping[_Job, Answer], ours: Collection[str]) -> dict[_Job, Answer]:
    """Answers, less those of resolvers that lead home (split DNS)."""
    known = dict(answers)
    by_resolver: dict[str, list[_Job]] = {}
    for job in answers:
        if not job.authoritative:
            by_resolver.setdefault(job.server, []).append(job)
    for jobs in by_resolver.values():
        kept = athome.without({(job.name, job.kind): answers[job] for job in jobs}, ours)
        known.update((job, kept[job.name, job.kind]) for job in jobs)
    return known


@frozen
class _Job:
    """One question to one server, or the answer that is known without asking it."""

    server: str
    authoritative: bool
    name: str
    kind: str
    ask: Ask


def _jobs(
    name: str, kinds: Sequence[str], zone: ZoneSeen | None, servers: Mapping[str, Server], doors: Doors
) -> Iterator[_Job]:
    others = _first(doors)
    for kind in kinds:
        for server, soa in zone.servers.items() if zone else ():
            # Reverse names of small networks (RFC 2317) and keys kept by others are aliases that lead out of the zone.
            ask = led_on(resolve.authoritative(servers[server], doors.exchange), others)
            yield _Job(server, True, name, kind, _unless_mute(soa, ask))
        for each in doors.resolvers:
            known = zone.checked[each.name] if zone else None
            yield _Job(each.name, False, name, kind, _unless_mute(known, resolve.recursive(each, doors.exchange)))
        for resolver, why in doors.asleep.items():
            yield _Job(resolver, False, name, kind, _saying(why))


def _unless_mute(soa: Answer | None, ask: Ask) -> Ask:
    """Who did not answer for the zone says the same of its names: to ask again thirty times takes minutes."""
    return _saying(soa) if isinstance(soa, Unasked) else ask


def _saying(why: Unasked) -> Ask:
    return lambda _name, _kind, /: why


def _seen(jobs: Sequence[_Job], answers: Mapping[_Job, Answer]) -> Seen:
    found: tuple[dict[str, dict[str, Answer]], ...] = ({}, {})
    for job in jobs:
        found[job.authoritative].setdefault(job.server, {})[job.kind] = answers[job]
    recursive, authoritative = found
    return Seen(authoritative, recursive)


class _Authorities:
    """Zones and their servers, by the first resolver that knows them, whatever DNSSEC says of them."""

    def __init__(self, doors: Doors) -> None:
        self._each = [resolve.Authorities(resolve.unchecked(each, doors.exchange)) for each in doors.resolvers]

    def of(self, name: str) -> Zone | Unasked:
        found: Zone | Unasked = resolve.NOBODY
        for each in self._each:
            found = each.of(name)
            if isinstance(found, Zone):
                break
        return found


def _zone(doors: Doors, zone: Zone) -> ZoneSeen:
    ask = _first(doors)

    def from_each(way: Callable[[Server, Exchange], Ask], servers: Iterable[Server]) -> dict[str, Answer]:
        return {each.name: way(each, doors.exchange)(zone.name, "SOA") for each in servers}

    return ZoneSeen(
        zone.name,
        from_each(resolve.authoritative, zone.servers),
        _vouched(doors, zone.name) if zone.name else Absent(exists=True),
        ask(zone.name, "DNSKEY"),
        {**from_each(resolve.recursive, doors.resolvers), **doors.asleep},
        from_each(resolve.unchecked, doors.resolvers),
    )


def _vouched(doors: Doors, zone: str) -> Answer:
    """Its DS records: where DNSSEC keeps them from being told, whether there are some."""
    told = _first(doors)(zone, "DS")
    return _first(doors, resolve.unchecked)(zone, "DS") if isinstance(told, Unasked) else told


def _spf(plan: Plan, live: Ask) -> Iterator[SpfSeen]:
    """Each domain's record for our addresses, and for nobody's."""
    described = _described(plan, live)
    ours = [str(address) for proxy in plan.proxies for address in addresses(proxy)]

    def outcomes(ask: Ask, name: str, texts: Iterable[str]) -> dict[str, spf.Outcome]:
        return {text: spf.evaluate(ask, ip_address(text), name) for text in texts}

    for domain in plan.domain_names:
        mine = outcomes(described, domain, ours)
        theirs = outcomes(described, domain, STRANGERS)
        yield SpfSeen(domain, mine, theirs, outcomes(live, domain, ours), outcomes(live, domain, STRANGERS))


def addresses(proxy: ProxyPlan) -> tuple[str, ...]:
    """What the world knows a proxy by."""
    return tuple(str(address) for address in (proxy.ipv4, proxy.ipv6) if address is not None)


def _described(plan: Plan, live: Ask) -> Ask:
    """Our own records as they are described, and all others as they are."""
    ours: dict[resolve.Question, tuple[str, ...]] = {}
    for record in plan.records:
        ours[record.name, record.type] = (*ours.get((record.name, record.type), ()), record.data)

    def ask(name: str, kind: str, /) -> Answer:
        found = ours.get((name.lower().rstrip("."), kind))
        return Found(found) if found else live(name, kind)

    return ask


def _policies(plan: Plan, here: Here) -> Mapping[tuple[str, str], Page]:
    wanted = [
        (domain.name, address)
        for domain in plan.topology.domains
        if domain.mta_sts is not MtaStsMode.OFF
        for proxy in plan.proxies
        for address in addresses(proxy)
    ]
    return _map(lambda each: again.page(here, Asked(each[1], mta_sts_name(each[0]), PATH, ports.HTTPS)), wanted)


def _servers(facts: DnsFacts, here: Here) -> Mapping[tuple[str, str], Spoken]:
    """What answers at the servers that TLSA records speak of."""
    plan = facts.plan
    hosts = shown_hosts(plan.topology, plan.proxies)
    spoken_of = [host for host in hosts if isinstance(facts.at(tlsa_name(host)).best("TLSA"), Found)]
    wanted = [
        (host, address)
        for host in spoken_of
        for proxy in plan.proxies
        if host in (proxy.hostname, *plan.topology.former_hostnames)
        for address in addresses(proxy)
    ]
    return _map(lambda each: again.session(here, Target(each[1], ports.SMTP, each[0], SMTP, starttls=True)), wanted)
