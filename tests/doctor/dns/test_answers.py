"""Wrong, absent, not yet propagated and could not ask are different answers; one lost packet is none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, evolve, field

from mailnix import Alias, Domain, Relay
from mailnix.config import load
from mailnix.doctor.certificates import matches
from mailnix.doctor.dns.checks import CHECKS
from mailnix.doctor.here import Asked, Page, Reached, Served, Spoken, Target
from mailnix.doctor.values import Answer, Severity, Vantage
from mailnix.plan import Plan, PublicKeys, derive
from mailnix.resolve import text_of
from rig.certificates import Certificate, make
from tests.descriptions import PUBLIC4, sound
from tests.doctor.dns.world import EVERYBODY, RESOLVERS, SERVERS, Record, World, bad, findings, records_of, world
from tests.doctor.here import CERTIFICATE, Elsewhere


def described(**changed: object) -> Plan:
    domain = Domain("example.org", ["alice"], [Alias("postmaster", "alice")], **changed)  # type: ignore[arg-type]
    return derive(sound(domains=[domain]), PublicKeys({"example.org": "TUlJQklq"}))


EVERYTHING = Path(__file__).parents[3] / "docs/examples/everything.py"
PLAN = described()
RECORDS = records_of(PLAN)
NAME = "example.org"
HOST = "mail.example.org"
MX: Record = (NAME, "MX", "10 mail.example.org.")
ALL_IDS = {check.id for check in CHECKS}
LIMITED = {"dns.mta_sts_policy"}
"""Whose questions are not asked of DNS."""


def without(*records: Record) -> tuple[Record, ...]:
    return tuple(each for each in RECORDS if each not in records)


def only(internet: World, here: Elsewhere | None = None, plan: Plan = PLAN) -> dict[str, Answer]:
    """The ids that are not well, and their answer."""
    return {name: found[0].answer for name, found in bad(findings(plan, internet, here)).items()}


def test_every_check_says_something_where_all_is_well() -> None:
    found = findings(PLAN, world(PLAN))
    assert {each.id for each in found} | {"dns.dmarc_reports"} == ALL_IDS  # no domain reports to another here
    assert {each.answer for each in found} == {Answer.WELL}


def test_one_lost_packet_at_each_server_changes_nothing() -> None:
    assert only(world(PLAN, lossy=set(EVERYBODY))) == {}


@pytest.mark.parametrize("mute", [["resolver one"], ["ns2.nic.example"]])
def test_a_server_that_says_nothing_makes_no_record_wrong(mute: list[str]) -> None:
    everybody = {**SERVERS, **RESOLVERS}
    found = only(world(PLAN, mute=frozenset(everybody[name] for name in mute)))
    assert found in ({}, {"dns.servers": Answer.WRONG})


def test_a_server_to_which_this_machine_has_no_way_is_not_to_be_mended() -> None:
    """It has IPv6 only, say, and this network has none."""
    assert only(world(PLAN, far=frozenset({SERVERS["ns2.nic.example"]}))) == {}


def test_where_there_is_no_way_to_any_server_that_is_why() -> None:
    found = bad(findings(PLAN, world(PLAN, far=frozenset(SERVERS.values()))))
    assert {name: each[0].answer for name, each in found.items()} == {"dns.servers": Answer.UNASKED}
    assert found["dns.servers"][0].evidence == "ns1.nic.example (192.0.2.53): this machine has no way there"


def test_what_nobody_answers_could_not_be_asked() -> None:
    found = bad(findings(PLAN, world(PLAN, mute=frozenset(EVERYBODY))))
    assert {each.answer for many in found.values() for each in many} == {Answer.UNASKED}
    assert set(found) >= ALL_IDS - LIMITED - {"dns.alias", "dns.dmarc_reports", "dns.spf_result", "dns.caa"}


def test_a_network_that_answers_all_questions_itself_is_not_believed() -> None:
    found = bad(findings(PLAN, world(PLAN, rootless=True)))
    assert {each.answer for many in found.values() for each in many} == {Answer.UNASKED}
    assert {each.evidence for each in found["dns.mx"]} == {
        "resolver one: knows no root of DNS, so it does not ask the world"
    }


def test_where_no_authoritative_server_is_reached_resolvers_are_believed() -> None:
    found = findings(PLAN, world(PLAN, mute=frozenset(SERVERS.values())))
    assert set(bad(found)) == {"dns.servers"}
    assert {each.vantage for each in found if each.id == "dns.mx"} == {Vantage.RESOLVER}


@pytest.mark.parametrize("late", ["ns2.nic.example", "resolver two"])
def test_what_one_server_lacks_is_not_yet_propagated(late: str) -> None:
    address = {**SERVERS, **RESOLVERS}[late]
    (finding,) = bad(findings(PLAN, world(PLAN, views={address: without(MX)})))["dns.mx"]
    assert finding.answer is Answer.PENDING
    assert late in finding.evidence


def test_servers_with_different_versions_have_not_yet_heard_of_the_last_change() -> None:
    assert only(world(PLAN, serials={SERVERS["ns2.nic.example"]: 2})) == {"dns.servers": Answer.PENDING}


def test_an_alias_in_the_place_of_a_host_is_the_only_thing_to_blame() -> None:
    others = [each for each in RECORDS if each[0] != HOST]
    assert only(world(PLAN, (*others, (HOST, "CNAME", "vps66.provider.example.")))) == {"dns.alias": Answer.WRONG}


ALIASED = (*(each for each in RECORDS if each[0] != HOST), (HOST, "CNAME", "vps66.provider.example."))


@pytest.mark.parametrize("late", ["resolver two", "ns2.nic.example"])
def test_an_alias_that_was_removed_is_on_its_way_out(late: str) -> None:
    everybody = {**SERVERS, **RESOLVERS}
    assert only(world(PLAN, views={everybody[late]: ALIASED})) == {"dns.alias": Answer.PENDING}


def test_an_alias_that_a_resolver_still_has_hides_nothing_that_is_published_wrong() -> None:
    wrong = (*without((HOST, "A", PUBLIC4)), (HOST, "A", "198.51.100.9"))
    found = only(world(PLAN, wrong, views={RESOLVERS["resolver two"]: ALIASED}))
    assert found == {"dns.alias": Answer.PENDING, "dns.host": Answer.WRONG}


def test_an_alias_that_resolvers_alone_can_tell_of_is_one() -> None:
    found = only(world(PLAN, ALIASED, mute=frozenset(SERVERS.values())))
    assert found == {"dns.alias": Answer.WRONG, "dns.servers": Answer.UNASKED}


def test_the_certificate_authority_of_the_web_site_is_found_where_it_counts() -> None:
    """mta-sts.example.org is published as an address, as some providers do it, so its parent's CAA counts."""
    sts = ("mta-sts.example.org", "CNAME", "mail.example.org.")
    flat = [
        ("mta-sts.example.org", kind, data) for name, kind, data in RECORDS if name == HOST and kind in ("A", "AAAA")
    ]
    web = (NAME, "CAA", '0 issue "other.example"')
    found = bad(findings(PLAN, world(PLAN, (*without(sts), *flat, web))))
    assert {each.subject for each in found["dns.caa"]} == {"mta-sts.example.org CAA", "example.org CAA"}
    assert set(found) == {"dns.caa"}


def test_what_keeps_mailcow_from_asking_for_its_certificate_is_found_above_its_name() -> None:
    (found,) = bad(findings(PLAN, world(PLAN, (*RECORDS, (NAME, "CAA", '0 issue "other.example"')))))["dns.caa"]
    assert (found.subject, found.severity) == ("example.org CAA", Severity.FAILURE)  # whom aliases lead to has its own
    assert found.evidence == (
        "allows only other.example: Mailcow reads this, too, and asks for no certificate for mail.example.org"
    )
    assert found.advice == 'publish there also CAA 0 issue "letsencrypt.org"'


def test_an_order_of_hosts_is_what_counts_not_their_numbers() -> None:
    assert only(world(PLAN, (*without(MX), (NAME, "MX", "50 MAIL.example.org.")))) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dkim._domainkey.example.org", "v=DKIM1; p=TUlJQklq; n=made today"),
        ("dkim._domainkey.example.org", "k=rsa; p=TUlJQklq"),  # RFC 6376 3.6.1
        ("_dmarc.example.org", "v=DMARC1;p=none; aspf=s; adkim=s; rua=mailto:postmaster@example.org"),
        ("example.org", "V=SPF1 MX -ALL"),
    ],
)
def test_the_same_said_otherwise_is_well(name: str, text: str) -> None:
    others = [each for each in RECORDS if each[:2] != (name, "TXT")]
    assert only(world(PLAN, (*others, (name, "TXT", f'"{text}"')))) == {}


def test_another_spf_record_that_lets_the_proxies_send_deserves_a_second_look_only() -> None:
    others = [each for each in RECORDS if each[:2] != (NAME, "TXT")]
    (finding,) = bad(findings(PLAN, world(PLAN, (*others, (NAME, "TXT", '"v=spf1 a:mail.example.org ~all"')))))[
        "dns.spf"
    ]
    assert (finding.answer, finding.severity) == (Answer.WRONG, Severity.WARNING)


def test_texts_of_others_at_the_domain_are_nobodys_business() -> None:
    assert only(world(PLAN, (*RECORDS, (NAME, "TXT", '"google-site-verification=abc"')))) == {}


def test_a_policy_record_that_is_left_over_is_found() -> None:
    plan = described(mta_sts="off")
    left = ("_mta-sts.example.org", "TXT", '"v=STSv1; id=1"')
    assert only(world(plan, (*records_of(plan), left)), plan=plan) == {"dns.mta_sts": Answer.WRONG}


def test_texts_that_a_wildcard_puts_everywhere_are_no_policy() -> None:
    plan = described(mta_sts="off")
    wild = ("_mta-sts.example.org", "TXT", '"v=spf1 -all"')
    assert only(world(plan, (*records_of(plan), wild)), plan=plan) == {}


@pytest.mark.parametrize("name", ["_dmarc.example.org", "_mta-sts.example.org", "_smtp._tls.example.org"])
def test_a_text_of_others_beside_a_policy_is_discarded_by_who_reads_it(name: str) -> None:
    assert only(world(PLAN, (*RECORDS, (name, "TXT", '"verification=abc"')))) == {}


def test_a_key_that_is_not_known_here_cannot_be_compared() -> None:
    plan = derive(PLAN.topology)
    found = only(world(plan, RECORDS), plan=plan)
    assert found == {"dns.dkim": Answer.UNASKED}


def test_the_example_with_everything_is_well_once_it_is_published() -> None:
    topology = load(EVERYTHING)
    plan = derive(topology, PublicKeys({domain.name: "TUlJQklq" for domain in topology.domains}))
    others = [(f"_spf.{who}.example", "TXT", '"v=spf1 ip4:198.51.100.0/24 -all"') for who in ("relay", "newsletter")]
    assert only(world(plan, (*records_of(plan), *others)), plan=plan) == {}


# SPF of others


def relayed(published: str) -> dict[str, Answer]:
    """What is found where mail goes out by a relay whose own SPF record is this one."""
    plan = derive(
        sound(domains=PLAN.topology.domains, relays=[Relay("smtp.relay.example", spf=["include:spf.relay.example"])]),
        PublicKeys({NAME: "TUlJQklq"}),
    )
    return only(world(plan, (*records_of(plan), ("spf.relay.example", "TXT", f'"{published}"'))), plan=plan)


@pytest.mark.parametrize(
    ("published", "answer"),
    [
        ("v=spf1 ip4:198.51.100.0/24 ~all", None),
        ("v=spf1 +all", Answer.WRONG),
        ("v=spf2", Answer.WRONG),
        ("v=spf1 include:spf.relay.example", Answer.WRONG),
        ("v=spf1 a:x1.example a:x2.example a:x3.example -all", Answer.WRONG),
    ],
    ids=["sound", "lets everybody send", "none", "goes in circles", "names hosts that are gone"],
)
def test_a_record_of_others_is_evaluated_as_receivers_do(published: str, answer: Answer | None) -> None:
    assert relayed(published) == ({} if answer is None else {"dns.spf_result": answer})


# DNSSEC and DANE

SIGNED = frozenset({NAME})


def tlsa(certificate: str = CERTIFICATE.tlsa(3, 1, 1)) -> tuple[Record, ...]:
    return (*RECORDS, ("_25._tcp.mail.example.org", "TLSA", certificate))


@pytest.mark.parametrize(
    ("internet", "expected"),
    [
        (lambda: world(PLAN, signed=SIGNED), {}),
        (lambda: world(PLAN, bogus=SIGNED), {"dns.dnssec": Answer.WRONG}),
        (lambda: world(PLAN, (*RECORDS, (NAME, "DNSKEY", "257 3 13 AAAA"))), {"dns.dnssec": Answer.WRONG}),
        (lambda: world(PLAN, (*RECORDS, (NAME, "DS", f"1 13 2 {'00' * 32}"))), {"dns.dnssec": Answer.UNASKED}),
        (lambda: world(PLAN, tlsa(), signed=SIGNED), {"dns.tlsa": Answer.WRONG}),
        (lambda: world(PLAN, tlsa()), {"dns.tlsa": Answer.WRONG}),
        (lambda: world(PLAN, tlsa(make(HOST).tlsa(3, 1, 1)), signed=SIGNED), {"dns.tlsa": Answer.WRONG}),
    ],
    ids=["signed", "bogus", "no DS", "nobody checks", "key until the next certificate", "key in vain", "another key"],
)
def test_signatures_and_keys_are_judged(internet: Callable[[], World], expected: dict[str, Answer]) -> None:
    assert only(internet()) == expected


ONE, BOTH = frozenset({RESOLVERS["resolver two"]}), frozenset(RESOLVERS.values())


@pytest.mark.parametrize(
    ("internet", "expected"),
    [
        (lambda: world(PLAN, failing=ONE), {}),
        (lambda: world(PLAN, failing=ONE, signed=SIGNED), {"dns.dnssec": Answer.PENDING}),
        (lambda: world(PLAN, failing=BOTH, signed=SIGNED), {"dns.dnssec": Answer.WRONG}),
    ],
    ids=["not signed", "proven to another", "proven to nobody"],
)
def test_a_resolver_that_fails_proves_no_signature_wrong(
    internet: Callable[[], World], expected: dict[str, Answer]
) -> None:
    assert only(internet()) == expected


def test_where_nothing_is_signed_nobody_is_told_to_remove_a_ds() -> None:
    found = bad(findings(PLAN, world(PLAN, failing=BOTH)))
    assert {each.answer for many in found.values() for each in many} == {Answer.UNASKED}
    (finding,) = found["dns.dnssec"]
    assert "not signed" in finding.evidence


KNOWN = derive(evolve(PLAN.topology, dane=True), PublicKeys({NAME: "TUlJQklq"}, {"proxy": ("1" * 64, "2" * 64)}))


@pytest.mark.parametrize(
    ("internet", "answer", "said"),
    [
        (lambda: world(PLAN, signed=SIGNED), Answer.ABSENT, f"publish 3 1 1 {'1' * 64} and 3 1 1 {'2' * 64}"),
        (lambda: world(PLAN), Answer.WRONG, "have the zone signed"),
        (lambda: world(PLAN, tlsa(), signed=SIGNED), Answer.ABSENT, f"publish 3 1 1 {'1' * 64} and 3 1 1 {'2' * 64} b"),
    ],
    ids=["none published", "not signed", "another key alone, which the server shows"],
)
def test_described_keys_are_missed(internet: Callable[[], World], answer: Answer, said: str) -> None:
    (found,) = bad(findings(KNOWN, internet()))["dns.tlsa"]
    assert (found.answer, found.advice[: len(said)]) == (answer, said)


def test_described_keys_that_are_published_and_shown_are_well() -> None:
    shown = tlsa()[-1][2]
    plan = derive(
        evolve(PLAN.topology, dane=True), PublicKeys({NAME: "TUlJQklq"}, {"proxy": (shown.split()[3], "2" * 64)})
    )
    following = ("_25._tcp.mail.example.org", "TLSA", f"3 1 1 {'2' * 64}")
    assert only(world(PLAN, (*tlsa(), following), signed=SIGNED), plan=plan) == {}


@pytest.mark.parametrize(
    ("key", "severity"),
    [(CERTIFICATE, Severity.WARNING), (make(HOST), Severity.FAILURE)],
    ids=["today's", "an old one"],
)
def test_keys_of_a_description_without_any_are_to_be_removed(key: Certificate, severity: Severity) -> None:
    """Caddy's certificates come with a key of their own each: to publish it would stop mail a month later."""
    (found,) = bad(findings(PLAN, world(PLAN, tlsa(key.tlsa(3, 1, 1)), signed=SIGNED)))["dns.tlsa"]
    assert (found.severity, found.advice[:11]) == (severity, "remove them")


def test_a_certificate_authoritys_key_may_be_published_without_one_of_ones_own() -> None:
    found = only(world(PLAN, tlsa(f"2 1 1 {'1' * 64}"), signed=SIGNED))
    assert found == {"dns.tlsa": Answer.UNASKED}


def test_keys_of_a_former_name_are_seen() -> None:
    """It is shown Caddy's certificate; mail goes there as long as it is an MX."""
    plan = derive(evolve(PLAN.topology, former_hostnames=("mx.old.example",)), PublicKeys({NAME: "TUlJQklq"}))
    old = ("_25._tcp.mx.old.example", "TLSA", make(HOST).tlsa(3, 1, 1))
    internet = world(plan, (*records_of(plan), old), signed=frozenset({NAME, "old.example"}))
    (found,) = bad(findings(plan, internet))["dns.tlsa"]
    assert (found.subject, found.answer) == ("_25._tcp.mx.old.example TLSA", Answer.WRONG)


def test_keys_that_nobody_knows_here_are_not_missed() -> None:
    plan = derive(evolve(PLAN.topology, dane=True), PublicKeys({NAME: "TUlJQklq"}))
    assert only(world(PLAN, signed=SIGNED), plan=plan) == {}


def test_a_server_that_shows_no_key_cannot_be_compared() -> None:
    here = Elsewhere.as_described(KNOWN)
    here.sessions.clear()
    assert only(world(KNOWN, signed=SIGNED), here, KNOWN) == {"dns.tlsa": Answer.UNASKED}


# The MTA-STS policy


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        (Page(Reached.YES, 404), Answer.ABSENT),
        (Page(Reached.YES, why="its certificate is refused"), Answer.ABSENT),
        (Page(Reached.YES, 200, "text/html", "<html>"), Answer.WRONG),
        (Page(Reached.YES, 200, "text/plain", "version: STSv1\nmode: none\n"), Answer.WRONG),
        (Page(Reached.SILENT), Answer.UNASKED),
    ],
)
def test_the_policy_is_fetched_and_compared(page: Page, answer: Answer) -> None:
    here = Elsewhere.as_described(PLAN)
    here.pages = dict.fromkeys(here.pages, page)
    assert only(world(PLAN), here) == {"dns.mta_sts_policy": answer}


@define
class Restarting(Elsewhere):
    """Its servers fail once each, in the middle."""

    failed: set[object] = field(factory=set)

    def page(self, asked: Asked) -> Page:
        return super().page(asked) if self._again(asked) else Page(Reached.YES, 502)

    def session(self, target: Target) -> Spoken:
        return super().session(target) if self._again(target) else Spoken(Reached.YES, why="ended the session")

    def _again(self, whom: object) -> bool:
        had, self.failed = whom in self.failed, {*self.failed, whom}
        return had


def test_a_server_that_is_restarted_meanwhile_is_asked_again() -> None:
    well = Elsewhere.as_described(PLAN)
    internet = world(PLAN, tlsa(f"2 1 1 {'1' * 64}"), signed=SIGNED)
    found = bad(findings(PLAN, internet, Restarting(well.pages, well.sessions)))
    assert {name: each[0].evidence[:22] for name, each in found.items()} == {"dns.tlsa": "they name an authority"}


def test_every_text_of_a_plan_has_a_check() -> None:
    judged = {each.subject for each in findings(PLAN, world(PLAN))}
    texts = [each for each in PLAN.records if each.type == "TXT"]
    assert {f"{each.name} TXT" for each in texts} <= judged
    assert all(text_of(each.data) for each in texts)
    assert PUBLIC4 in judged


def test_a_reverse_name_that_a_provider_keeps_in_a_zone_of_the_customers_is_there() -> None:
    (name,) = (each.name for each in PLAN.records if each.type == "PTR" and each.name.endswith(".in-addr.arpa"))
    kept = f"10.0-15.{name.partition('.')[2]}"  # RFC 2317
    alias: Record = (name, "CNAME", f"{kept}.")
    elsewhere = (*(each for each in RECORDS if each[0] != name), alias)
    whole = (*elsewhere, (kept, "PTR", f"{HOST}."))
    assert only(world(PLAN, whole, views=dict.fromkeys(SERVERS.values(), elsewhere))) == {}


def test_what_is_to_be_removed_is_shown_by_its_beginning() -> None:
    second: Record = (NAME, "TXT", " ".join(f'"{text}"' for text in ("v=spf1 ", *["a" * 250] * 40, "")))
    (found,) = bad(findings(PLAN, world(PLAN, (*RECORDS, second))))["dns.spf"]
    assert found.advice.startswith("remove v=spf1 aaa")
    assert len(found.advice) < 400


@pytest.mark.parametrize("shown", [b"", b"junk"])
def test_tlsa_records_mean_no_certificate_that_nobody_can_read(shown: bytes) -> None:
    assert not matches(f"3 1 1 {'00' * 32}", Served(HOST, shown, "self-signed certificate"))


def test_a_resolver_that_leads_home_says_nothing_of_the_world() -> None:
    """As docs/howto/at-home.md sets it up: the host's name alone, and nothing else there or below."""
    home = (*(each for each in RECORDS if not each[0].endswith(HOST)), (HOST, "A", "192.168.1.20"))
    assert only(world(PLAN, views={RESOLVERS["resolver one"]: home})) == {}


def test_home_is_no_excuse_for_what_the_zone_says() -> None:
    wrong = (*without((HOST, "A", PUBLIC4)), (HOST, "A", "192.168.1.20"))
    found = only(world(PLAN, wrong))
    assert found["dns.host"] is Answer.WRONG


def test_a_domain_that_no_server_was_named_for_is_told_as_that() -> None:
    internet = world(PLAN, ())
    internet.zones = tuple(zone for zone in internet.zones if zone != NAME)
    (found,) = bad(findings(PLAN, internet))["dns.servers"]
    assert (found.subject, found.answer, found.severity) == (NAME, Answer.ABSENT, Severity.FAILURE)
    assert "where you registered" in found.advice
