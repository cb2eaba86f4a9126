"""Connect to the proxies as strangers do, and ask block lists about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from mailnix import resolve
from mailnix.doctor import again
from mailnix.doctor.here import SMTP, Here, Reached, Replies, Spoken
from mailnix.doctor.outside import blocklists, places, relaying
from mailnix.doctor.outside.facts import Listing, OutsideFacts, Place
from mailnix.model import ports
from mailnix.plan import Plan
from mailnix.resolve import Answer, Ask, Authorities, Exchange, Found, Unasked, Zone, over_network

TOGETHER: Final = 8  # connections at a time: a proxy bounds how many it takes from one address
CONTROLS: Final = {
    ports.SMTP: ("gmail-smtp-in.l.google.com", "mx01.mail.icloud.com"),
    ports.HTTPS: ("www.iana.org", "www.rfc-editor.org"),
}
"""Servers of others that answer all day: where none of them does either, it is this network that lets nothing out."""
SERVERS: Final = 3  # of a list that has dozens, before it counts as silent
RELAYED: Final = "outside.relay"
LISTED: Final = "outside.blocklist"
PAGES: Final = frozenset({"outside.web", "outside.settings"})


@frozen
class Doors:
    """How servers and names are asked; tests pass others. `lists` are ways to ask block lists, the first the best."""

    here: Here
    names: Ask
    lists: tuple[Ask, ...]


def gathered(plan: Plan, now: datetime, doors: Doors, wanted: Collection[str]) -> OutsideFacts:
    """Everything that the wanted checks judge."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        of_ports = set(wanted) - {RELAYED, LISTED} - PAGES
        wished = list(places.places(plan)) if of_ports else []
        sessions = dict(zip(wished, pool.map(lambda place: _session(doors.here, place), wished), strict=True))
        silent = {place.beside for place, spoken in sessions.items() if spoken.reached is Reached.SILENT}
        controls = {beside: _control(doors, *beside) for beside in silent}
        pages = list(places.pages(plan)) if not PAGES.isdisjoint(wanted) else []
        lists = list(blocklists.asked(plan)) if LISTED in wanted else []
        return OutsideFacts(
            plan,
            now,
            sessions,
            controls,
            _relays(plan, doors.here) if RELAYED in wanted else {},
            dict(zip(pages, pool.map(lambda page: again.page(doors.here, page), pages), strict=True)),
            tuple(pool.map(lambda each: _listing(doors, *each), lists)),
        )


def _session(here: Here, place: Place) -> Spoken:
    if not place.speaks:
        return Spoken(here.connect(place.address, place.port))
    spoken = again.session(here, place.target)
    # Some networks take connections that they then hand to nobody: as good as a closed port.
    return evolve(spoken, reached=Reached.SILENT) if _is_mute(spoken) else spoken


def _is_mute(spoken: Spoken) -> bool:
    return spoken.reached is Reached.YES and not spoken.greeting and not spoken.served and bool(spoken.why)


def _control(doors: Doors, port: int, version: int) -> Reached:
    """Whether anybody answers at a port: at 25 mail servers, else a web server; NO_ROUTE where nobody is found to ask.

    By the same version of IP: a network whose IPv6 leads nowhere says so of everybody. Where none of them has it, by 4.
    """
    at = port if port in CONTROLS else ports.HTTPS
    found = _first_of_each(doors.names, CONTROLS[at], "AAAA") if version == 6 else ()
    for address in (known := found or _first_of_each(doors.names, CONTROLS[at], "A")):
        if _answers(doors.here, address, at):
            return Reached.YES
    return Reached.SILENT if known else Reached.NO_ROUTE


def _first_of_each(ask: Ask, hosts: Iterable[str], kind: str) -> tuple[str, ...]:
    answers = (ask(host, kind) for host in hosts)
    return tuple(answer.records[0] for answer in answers if isinstance(answer, Found))


def _answers(here: Here, address: str, port: int) -> bool:
    if port == ports.SMTP:
        return bool(here.dialogue(address, port, ["QUIT"]).answers)
    return here.connect(address, port) is Reached.YES


def _relays(plan: Plan, here: Here) -> Mapping[Place, Replies]:
    """One session each, one after the other: many at once look like an attack, and are refused as one."""
    sending = [place for place in dict.fromkeys(places.places(plan)) if place.speaks == SMTP]
    return {place: _relay(plan, here, place) for place in sending}


def _relay(plan: Plan, here: Here, place: Place) -> Replies:
    tried = relaying.lines(relaying.attempts(plan, place.port))
    # On port 25 spam comes without TLS; where people log in, nothing is taken outside of it.
    by_people = place.port != ports.SMTP
    tls, starttls = by_people and not place.starttls, by_people and place.starttls
    return again.again(
        lambda: here.dialogue(place.address, place.port, tried, tls=tls, starttls=starttls),
        lambda heard: (
            not heard.why
            and not any(answer.startswith("4") and not relaying.denies(answer) for answer in heard.answers)
        ),
    )


def _listing(doors: Doors, subject: str, zone: str, tests: tuple[str, str]) -> Listing:
    """By the first way that the list answers: it refuses public resolvers, and those who ask too much."""
    found = [blocklists.listing(doors.lists[0], subject, zone, tests)]
    for ask in doors.lists[1:]:
        if blocklists.silence(found[-1]) is None:
            break
        found.append(blocklists.listing(ask, subject, zone, tests))
    return found[-1] if blocklists.silence(found[-1]) is None else found[0]


def straight(ask: Ask, exchange: Exchange = over_network) -> Ask:
    """Ask the servers of a name's zone themselves, from here."""
    authorities = Authorities(ask)

    def asked(name: str, kind: str, /) -> Answer:
        zone = authorities.of(_list_of(name))
        answer: Answer = zone if isinstance(zone, Unasked) else Unasked(f"{zone.name} has no servers")
        for server in zone.servers[:SERVERS] if isinstance(zone, Zone) else ():
            answer = resolve.authoritative(server, exchange)(name, kind)
            if not isinstance(answer, Unasked):
                break
        return answer

    return asked


def _list_of(name: str) -> str:
    """The list that a name belongs to; the whole name where it is none that we know."""
    zones = (each.zone for each in (*blocklists.OF_ADDRESSES, *blocklists.OF_DOMAINS))
    return next((zone for zone in zones if name.endswith(f".{zone}")), name)
