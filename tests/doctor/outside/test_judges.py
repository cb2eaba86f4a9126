"""What strangers meet at the proxies: each fault is found under its own id, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from attrs import define, evolve, field

from mailnix import Alias, Domain
from mailnix.doctor.here import Page, Reached, Replies, Served, Spoken, Target
from mailnix.doctor.outside import relaying
from mailnix.doctor.outside.checks import CHECKS
from mailnix.doctor.outside.facts import Place
from mailnix.doctor.outside.gather import Doors, gathered
from mailnix.doctor.values import Answer, Finding, Severity
from mailnix.plan import derive
from mailnix.resolve import Absent, Found, Unasked
from mailnix.resolve import Answer as Told
from mailnix.services.caddy.autoconfig import autoconfig
from rig.certificates import make
from tests.descriptions import PUBLIC4, PUBLIC6, sound
from tests.doctor.here import Elsewhere, served

PLAN = derive(sound(domains=[Domain("example.org", ["alice"], [Alias("postmaster", "alice")])]))
HOST = PLAN.topology.hostname
CONTROL = "198.51.100.25"
CONTROL6 = "2001:db8:25::25"
OFFERS = (HOST, "PIPELINING", "STARTTLS")
IN_TLS = (HOST, "AUTH PLAIN LOGIN")
CERTIFICATE = make(HOST)
NOW = datetime.now(UTC)
REFUSING = Replies(Reached.YES, ("250 ok", "550 no", "250 ok") * 7)
SETTINGS = autoconfig(HOST, PLAN.internal.client_ports)
SESSION = Spoken(Reached.YES, f"220 {HOST} ESMTP", OFFERS, IN_TLS, served(CERTIFICATE))
SILENT = Spoken(Reached.SILENT, why="nothing answers")


def lists(entry: str = "nobody", says: str = "") -> Callable[[str, str], Told]:
    """Lists that work, with one entry by how its name begins; a list's test entry is there."""

    def ask(name: str, _kind: str, /) -> Told:
        if name.startswith(("2.0.0.127.", "2.0.0.0.", "test.")):
            return Found(("127.0.0.2",))
        return Found((says,)) if name.startswith(entry) else Absent(exists=False)

    return ask


def names(name: str, kind: str, /) -> Told:
    return Found((CONTROL,)) if kind == "A" else Absent(exists=True)


def elsewhere() -> Elsewhere:
    """Servers as described, and one of somebody else."""
    here = Elsewhere()
    for address in (PUBLIC4, PUBLIC6):
        for port in (25, 80, 443, 465, 587, 993):
            here.sessions[address, port] = SESSION
        for port in (25, 465, 587):
            here.replies[address, port] = REFUSING
    for port in (25, 443):
        here.sessions[CONTROL, port] = SESSION
    here.replies[CONTROL, 25] = Replies(Reached.YES, ("221 bye",))
    here.pages[HOST, "/"] = Page(Reached.YES, 200)
    here.pages["autodiscover.example.org", "/autodiscover/autodiscover.xml"] = Page(Reached.YES, 401)
    path = "/mail/config-v1.1.xml?emailaddress=postmaster@example.org"
    here.pages["autoconfig.example.org", path] = Page(Reached.YES, 200, "text/xml", SETTINGS)
    return here


@define
class Restarting(Elsewhere):
    """Its servers say this first."""

    first: list[Spoken] = field(factory=list)

    def session(self, target: Target) -> Spoken:
        return self.first.pop() if self.first else super().session(target)


@define
class Encrypting(Elsewhere):
    """Anybody may send through the ports where people log in, but none outside of TLS, as Mailcow has it."""

    def dialogue(
        self, address: str, port: int, lines: Sequence[str], *, tls: bool = False, starttls: bool = False
    ) -> Replies:
        if port == 25:
            return super().dialogue(address, port, lines)
        covered = {465: tls and not starttls, 587: starttls and not tls}[port]
        return Replies(Reached.YES, ("250 ok" if covered else "530 5.7.0 Must issue a STARTTLS command first",) * 4)


EMPTY = lists()


def looked(
    here: Elsewhere,
    ask: Callable[[str, str], Told] = EMPTY,
    now: datetime = NOW,
    others: Callable[[str, str], Told] = names,
) -> list[Finding]:
    known = gathered(PLAN, now, Doors(here, others, (ask,)), {check.id for check in CHECKS})
    return [check.finding(verdict) for check in CHECKS for verdict in check.judge(known)]


def bad(found: list[Finding]) -> dict[str, Finding]:
    return {each.id: each for each in found if each.answer is not Answer.WELL}


def test_servers_as_described_are_well_under_every_id() -> None:
    found = looked(elsewhere())
    assert bad(found) == {}
    assert {each.id for each in found} == {check.id for check in CHECKS}


def at(port: int, session: Spoken) -> Callable[[Elsewhere], None]:
    """Another session at a port of the IPv4 address."""
    return lambda here: here.sessions.update({(PUBLIC4, port): session})


def replies(port: int, *answers: str) -> Callable[[Elsewhere], None]:
    return lambda here: here.replies.update({(PUBLIC4, port): Replies(Reached.YES, answers)})


def page(host: str, answer: Page) -> Callable[[Elsewhere], None]:
    def put(here: Elsewhere) -> None:
        (key,) = (each for each in here.pages if each[0] == host)
        here.pages[key] = answer

    return put


SHOWN = evolve(SESSION, served=served(CERTIFICATE, fault="Hostname mismatch"))
ELSEWHERE = evolve(SESSION, served=served(make(HOST, make("ZeroSSL", authority=True))))
FAULTS: Mapping[str, tuple[Callable[[Elsewhere], None], str, Answer]] = {
    "a port is silent": (at(465, SILENT), "outside.port", Answer.ABSENT),
    "a port is refused": (at(25, Spoken(Reached.REFUSED)), "outside.port", Answer.ABSENT),
    "another name": (at(25, evolve(SESSION, greeting="220 vps66.example ESMTP")), "outside.greeting", Answer.WRONG),
    "another name after EHLO": (at(25, evolve(SESSION, offers=("vps66.example",))), "outside.greeting", Answer.WRONG),
    "no greeting": (at(25, evolve(SESSION, greeting="554 go away")), "outside.greeting", Answer.WRONG),
    "no STARTTLS": (at(25, Spoken(Reached.YES, f"220 {HOST}", OFFERS[:2], why="refuses")), "outside.tls", Answer.WRONG),
    "no TLS": (at(587, Spoken(Reached.YES, f"220 {HOST}", why="TLS fails")), "outside.tls", Answer.WRONG),
    "a mute port": (at(993, Spoken(Reached.YES, why="stops answering")), "outside.port", Answer.ABSENT),
    "a certificate for others": (at(443, SHOWN), "outside.certificate", Answer.WRONG),
    "another authority": (at(993, ELSEWHERE), "outside.issuer", Answer.WRONG),
    "a login in the clear": (at(587, evolve(SESSION, offers=(HOST, "AUTH PLAIN"))), "outside.login", Answer.WRONG),
    "no login": (at(465, evolve(SESSION, offers_in_tls=(HOST,))), "outside.login", Answer.ABSENT),
    "an open relay": (replies(25, "250 ok", "250 ok"), "outside.relay", Answer.WRONG),
    "a relay by a trick": (replies(25, *REFUSING.answers[:9], "250 ok", "250 ok"), "outside.relay", Answer.WRONG),
    "relaying without a login": (replies(465, "250 ok", "250 ok"), "outside.relay", Answer.WRONG),
    "a busy server": (replies(25, "450 later"), "outside.relay", Answer.UNASKED),
    "no Mailcow": (page(HOST, Page(Reached.YES, 502)), "outside.web", Answer.WRONG),
    "a page that nobody may read": (page(HOST, Page(Reached.YES, 403)), "outside.web", Answer.WRONG),
    "other settings": (page("autoconfig.example.org", Page(Reached.YES, 200)), "outside.settings", Answer.WRONG),
    "no settings": (page("autoconfig.example.org", Page(Reached.YES, 404)), "outside.settings", Answer.ABSENT),
    "no Outlook": (page("autodiscover.example.org", Page(Reached.YES, 500)), "outside.settings", Answer.WRONG),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_under_its_own_id_and_nothing_else_is_blamed(fault: str) -> None:
    put, expected, answer = FAULTS[fault]
    here = elsewhere()
    put(here)
    found = bad(looked(here))
    assert {name: each.answer for name, each in found.items()} == {expected: answer}
    assert found[expected].advice


@pytest.mark.parametrize(
    ("days", "answer", "severity"),
    [
        (0.0, Answer.WELL, Severity.FAILURE),
        (2.2, Answer.WRONG, Severity.WARNING),
        (2.9, Answer.WRONG, Severity.FAILURE),
    ],
)
def test_a_certificate_that_is_not_renewed_in_time_is_told_before_it_ends(
    days: float, answer: Answer, severity: Severity
) -> None:
    """The test certificates last six days, of which three are over."""
    found = looked(elsewhere(), now=NOW + timedelta(days=days))
    told = {(each.answer, each.severity) for each in found if each.id == "outside.certificate"}
    assert told == {(answer, severity)}


def test_a_server_that_stops_half_way_once_is_asked_again() -> None:
    here = elsewhere()
    once = [Spoken(Reached.YES, f"220 {HOST}", why="stops answering")]
    here = Restarting(here.pages, here.sessions, here.replies, first=once)
    assert bad(looked(here)) == {}
    assert once == []


def test_port_25_that_is_closed_for_everybody_here_is_no_fault_of_the_proxy() -> None:
    here = elsewhere()
    for address in (PUBLIC4, PUBLIC6, CONTROL):
        here.sessions[address, 25] = SILENT
        here.replies.pop((address, 25), None)
    found = bad(looked(here))
    assert {name: each.answer for name, each in found.items()} == {
        "outside.port": Answer.UNASKED,
        "outside.greeting": Answer.UNASKED,
    }
    assert "lets nothing out to port 25" in found["outside.port"].evidence


def without_ipv6() -> Elsewhere:
    """One whose packets to IPv6 addresses get lost."""
    here = elsewhere()
    for address, port in list(here.sessions):
        if address == PUBLIC6:
            here.sessions[address, port] = SILENT
            here.replies.pop((address, port), None)
    return here


def also_by_ipv6(name: str, kind: str, /) -> Told:
    return Found((CONTROL6,)) if kind == "AAAA" else names(name, kind)


def test_a_network_whose_ipv6_leads_nowhere_says_so_of_everybody() -> None:
    here = without_ipv6()
    found = bad(looked(here, others=also_by_ipv6))
    assert {name: each.answer for name, each in found.items()} == {"outside.port": Answer.UNASKED}
    for port in (25, 443):
        here.sessions[CONTROL6, port] = SESSION
    here.replies[CONTROL6, 25] = Replies(Reached.YES, ("221 bye",))
    found = bad(looked(here, others=also_by_ipv6))
    assert {name: each.answer for name, each in found.items()} == {"outside.port": Answer.ABSENT}


def test_who_knows_nobody_to_compare_with_says_that() -> None:
    found = bad(looked(without_ipv6(), others=lambda _name, _kind: Unasked("does not answer")))
    assert {name: each.answer for name, each in found.items()} == {"outside.port": Answer.UNASKED}
    assert "could not be looked up" in found["outside.port"].evidence


def test_a_machine_without_ipv6_says_so_and_blames_nobody() -> None:
    here = elsewhere()
    for address, port in list(here.sessions):
        if address == PUBLIC6:
            here.sessions[address, port] = Spoken(Reached.NO_ROUTE, why=Reached.NO_ROUTE.value)
            here.replies.pop((address, port), None)
    assert {name: each.answer for name, each in bad(looked(here)).items()} == {"outside.port": Answer.UNASKED}


OURS = ".".join(reversed(PUBLIC4.split(".")))


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lists(OURS, "127.0.0.4"), Answer.WRONG),
        (lists("example.", "127.0.1.2"), Answer.WRONG),
        (lists(OURS, "127.255.255.254"), Answer.UNASKED),
        (lists(OURS, "203.0.113.99"), Answer.UNASKED),
        (lambda _name, _kind: Found(("127.0.0.2",)), Answer.UNASKED),
        (lambda _name, _kind: Absent(exists=False), Answer.UNASKED),
        (lambda _name, _kind: Unasked("does not answer"), Answer.UNASKED),
    ],
    ids=["address", "domain", "refused", "made up", "has everything", "has nothing", "silent"],
)
def test_a_list_that_does_not_really_answer_lists_nobody(ask: Callable[[str, str], Told], answer: Answer) -> None:
    found = bad(looked(elsewhere(), ask))
    assert {name: each.answer for name, each in found.items()} == {"outside.blocklist": answer}


def test_a_list_that_refuses_the_resolver_is_asked_from_here() -> None:
    refused = lists(OURS, "127.255.255.254")
    doors = Doors(elsewhere(), names, (refused, lists(OURS, "127.0.0.4")))
    known = gathered(PLAN, NOW, doors, {"outside.blocklist"})
    (check,) = (check for check in CHECKS if check.id == "outside.blocklist")
    assert [each.answer for each in check.judge(known) if each.answer is not Answer.WELL] == [Answer.WRONG] * 3


def test_who_may_send_without_a_login_is_seen_inside_tls() -> None:
    described = elsewhere()
    found = looked(Encrypting(described.pages, described.sessions, described.replies))
    taken = [each for each in found if each.answer is not Answer.WELL]
    assert {each.id for each in taken} == {"outside.relay"}
    assert sorted(each.subject for each in taken) == sorted(
        Place(address, port).at for address in (PUBLIC4, PUBLIC6) for port in (465, 587)
    )


def test_only_what_is_wanted_is_asked() -> None:
    known = gathered(PLAN, NOW, Doors(elsewhere(), names, (lists(),)), {"outside.web"})
    assert not known.sessions
    assert not known.relays
    assert {each.host for each in known.pages} >= {HOST}


def test_facts_name_places_as_people_write_them() -> None:
    assert Place(PUBLIC6, 25).at == f"[{PUBLIC6}]:25"


@pytest.mark.parametrize(
    "shown", [b"", b"junk", CERTIFICATE.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07")]
)
@pytest.mark.parametrize("fault", ["", "self-signed certificate"])
def test_what_is_shown_as_a_certificate_and_is_none_is_told_and_breaks_nothing(shown: bytes, fault: str) -> None:
    here = elsewhere()
    at(443, evolve(SESSION, served=Served(HOST, shown, fault)))(here)
    found = bad(looked(here))
    assert set(found) == {"outside.certificate"}
    assert found["outside.certificate"].answer in (Answer.WRONG, Answer.UNASKED)


def test_mailcow_is_asked_as_nobody_whose_domain_it_could_miss() -> None:
    """Postfix answers 450 to a sender whose domain is not found (unknown_address_reject_code): that says nothing."""
    ours = PLAN.domain_names[0]
    for what, (mail, rcpt) in relaying.attempts(PLAN, 25).items():
        if rcpt.endswith(f"@{ours}>"):
            assert mail == "MAIL FROM:<>", what


@pytest.mark.parametrize(
    ("answer", "denies"),
    [
        ("554 5.7.1 <victim@receiver.invalid>: Relay access denied", True),
        ("450 4.7.1 <receiver.invalid!victim@example.org>: Relay access denied", True),
        ("451 4.7.1 Greylisting in action, please come back later", False),
        ("250 2.1.5 Ok", False),
    ],
)
def test_postfix_denies_to_relay_also_by_a_number_that_says_later(answer: str, denies: bool) -> None:
    assert relaying.denies(answer) == denies
