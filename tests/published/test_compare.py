"""Each fault of a published zone is found, under its own state, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from mailnix import Domain, Proxy
from mailnix.plan import DnsRecord, Need, PublicKeys, derive
from mailnix.published import Finding, Look, State, look_at
from mailnix.resolve import Ask, Server, Unasked
from tests.descriptions import PUBLIC4, sound
from tests.published.conftest import KEY, World

NEW = Server("ns.new.example", ("192.0.2.53",))


def seen(records: Sequence[DnsRecord], world: Ask) -> Look:
    return look_at(records, ["mail.example.org"], NEW, world)


def only(found: Look) -> Finding:
    (finding,) = found.findings
    return finding


def test_a_zone_that_is_as_described_gives_no_finding(records: Sequence[DnsRecord], well: World) -> None:
    found = seen(records, well)
    assert found.findings == ()
    assert found.same == len({(record.name, record.type) for record in records if record.zone})
    assert found.status == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mail.example.org", "A"),
        ("mail.example.org", "AAAA"),
        ("mail.example.org", "TXT"),
        ("mail.example.org", "CAA"),
        ("example.org", "MX"),
        ("dkim._domainkey.example.org", "TXT"),
        ("_dmarc.example.org", "TXT"),
        ("_mta-sts.example.org", "TXT"),
        ("mta-sts.example.org", "CNAME"),
        ("autoconfig.example.org", "CNAME"),
        ("_smtp._tls.example.org", "TXT"),
        ("_imaps._tcp.example.org", "SRV"),
        ("_pop3._tcp.example.org", "SRV"),
        ("_caldavs._tcp.example.org", "TXT"),
    ],
)
def test_a_record_that_is_not_there_is_missing(records: Sequence[DnsRecord], well: World, name: str, kind: str) -> None:
    found = seen(records, well.minus(name, kind))
    finding = only(found)
    assert (finding.state, finding.name, finding.type, finding.found) == (State.MISSING, name, kind, ())
    assert finding.wanted == tuple(r.data for r in records if (r.name, r.type) == (name, kind))
    assert finding.where == ("ns.new.example",)
    assert found.status == 1


Change = Callable[[World], World]


def instead(name: str, kind: str, *data: str) -> Change:
    return lambda world: world.minus(name, kind).plus(*((name, kind, each) for each in data))


def beside(name: str, kind: str, *data: str) -> Change:
    return lambda world: world.plus(*((name, kind, each) for each in data))


@pytest.mark.parametrize(
    "change",
    [
        instead("mail.example.org", "A", "203.0.113.80"),
        instead("example.org", "MX", "10 mx.old.example."),
        instead("example.org", "TXT", '"v=spf1 include:old.example ~all"'),
        instead("dkim._domainkey.example.org", "TXT", f'"v=DKIM1; k=rsa; t=s; s=email; p={KEY[:200]}"'),
        instead("dkim._domainkey.example.org", "TXT", '"k=rsa; p=AAAA"'),
        instead("_dmarc.example.org", "TXT", '"v=DMARC1; p=reject"'),
        instead("_imaps._tcp.example.org", "SRV", "0 1 143 mail.example.org."),
        instead("autoconfig.example.org", "CNAME", "web.old.example."),
    ],
)
def test_another_record_in_its_place_is_different(records: Sequence[DnsRecord], well: World, change: Change) -> None:
    finding = only(seen(records, change(well)))
    assert finding.state is State.DIFFERENT
    assert finding.found
    assert finding.wanted
    assert "in its place" in finding.todo


@pytest.mark.parametrize(
    ("change", "name", "kind", "says"),
    [
        (beside("example.org", "TXT", '"v=spf1 include:old.example -all"'), "example.org", "TXT", "RFC 7208"),
        (beside("_dmarc.example.org", "TXT", '"v=DMARC1; p=none"'), "_dmarc.example.org", "TXT", "RFC 7489"),
        (
            beside("dkim._domainkey.example.org", "TXT", '"k=rsa; p=AAAA"'),
            "dkim._domainkey.example.org",
            "TXT",
            "left to chance",
        ),
        (beside("example.org", "MX", "10 mx.old.example."), "example.org", "MX", "senders bring mail there"),
        (beside("mail.example.org", "A", "203.0.113.80"), "mail.example.org", "A", "goes there"),
        (beside("_imaps._tcp.example.org", "SRV", "0 1 993 imap.old.example."), "_imaps._tcp.example.org", "SRV", "go"),
        (
            instead("example.org", "CAA", '0 issue "digicert.com"'),
            "example.org",
            "CAA",
            "no certificate for mail.example.org",
        ),
        (instead("example.org", "CAA", '0 issue ";"'), "example.org", "CAA", "no certificate for mail.example.org"),
        (beside("mail.example.org", "CAA", '0 issue "digicert.com"'), "mail.example.org", "CAA", "lets others issue"),
        (instead("mail.example.org", "CAA", '0 issue "digicert.com"'), "mail.example.org", "CAA", "not the authority"),
        (
            lambda world: world.minus("mail.example.org").plus(("mail.example.org", "CNAME", "web.old.example.")),
            "mail.example.org",
            "CNAME",
            "RFC 1034",
        ),
        (
            lambda world: world.minus("autoconfig.example.org").plus(("autoconfig.example.org", "A", "203.0.113.80")),
            "autoconfig.example.org",
            "CNAME",
            "goes there",
        ),
        (
            lambda world: world.minus("autoconfig.example.org").plus(("*.example.org", "A", "203.0.113.80")),
            "autoconfig.example.org",
            "CNAME",
            "*.example.org answers",
        ),
        (
            lambda world: world.minus("_dmarc.example.org").plus(("*.example.org", "CNAME", "web.old.example.")),
            "_dmarc.example.org",
            "CNAME",
            "*.example.org answers",
        ),
    ],
)
def test_what_was_there_before_is_in_the_way(
    records: Sequence[DnsRecord], well: World, change: Change, name: str, kind: str, says: str
) -> None:
    finding = only(seen(records, change(well)))
    assert (finding.state, finding.name, finding.type) == (State.IN_THE_WAY, name, kind)
    assert says in finding.why
    assert finding.found


def test_a_wildcard_that_does_not_answer_for_a_name_is_not_blamed(records: Sequence[DnsRecord], well: World) -> None:
    world = well.minus("mail.example.org", "A").plus(("*.example.org", "A", "203.0.113.80"))
    assert only(seen(records, world)).state is State.MISSING


def test_an_ipv6_address_that_no_proxy_has_is_in_the_way() -> None:
    records = derive(sound(proxies=[Proxy("proxy", PUBLIC4)])).records
    finding = only(seen(records, World.of(records).plus(("mail.example.org", "AAAA", "2001:db8::80"))))
    assert (finding.state, finding.type, finding.found) == (State.IN_THE_WAY, "AAAA", ("2001:db8::80",))


@pytest.mark.parametrize(
    "change",
    [
        instead("_dmarc.example.org", "TXT", '"v=DMARC1;p=none;rua=mailto:postmaster@example.org;adkim=s; aspf=s;"'),
        instead("example.org", "MX", "10 MAIL.example.org."),
        instead("example.org", "TXT", '"v=spf1  mx" " -all"', '"other"'),
        lambda world: world.minus("autoconfig.example.org").plus(("autoconfig.example.org", "A", PUBLIC4)),
        lambda world: world.minus("dkim._domainkey.example.org").plus(
            ("dkim._domainkey.example.org", "CNAME", "key.provider.example."),
            *(("key.provider.example", "TXT", data) for name, _kind, data in world.lines if "_domainkey" in name),
        ),
        instead("_dmarc.example.org", "TXT", '"v=DMARC1; p=none; aspf=s; adkim=s; RUA=mailto:postmaster@example.org"'),
        instead("dkim._domainkey.example.org", "TXT", f'"p={KEY[:99]}" "{KEY[99:300]}" "{KEY[300:]}"'),
        instead("dkim._domainkey.example.org", "TXT", f'"V=DKIM1;p={KEY[:99]} " "{KEY[99:300]}" "{KEY[300:]}"'),
        beside("*.example.org", "A", "203.0.113.80"),
        beside("mail.example.org", "TXT", '"other"'),
    ],
)
def test_what_means_the_same_is_no_difference(records: Sequence[DnsRecord], well: World, change: Change) -> None:
    assert seen(records, change(well)).findings == ()


def test_a_web_sites_authority_is_told_once_however_many_hosts_there_are() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx2.example.org")]
    records = derive(sound(proxies=two)).records
    finding = only(seen(records, World.of(records).plus(("example.org", "CAA", '0 issue "digicert.com"'))))
    assert finding.why.startswith("no certificate for mail.example.org")
    assert finding.wanted == ('0 issue "letsencrypt.org"',)


def test_a_described_authority_at_the_domain_is_compared_there() -> None:
    records = derive(sound(domains=[Domain("example.org", ["postmaster"], caa=["digicert.com"])])).records
    world = World.of(records).minus("example.org", "CAA").plus(("example.org", "CAA", '0 issue "digicert.com"'))
    finding = only(seen(records, world))
    assert (finding.state, finding.name) == (State.IN_THE_WAY, "example.org")
    assert '0 issue "letsencrypt.org"' in finding.wanted


def test_who_does_not_answer_is_told_once_and_nothing_is_blamed(records: Sequence[DnsRecord], well: World) -> None:
    found = seen(records, lambda _name, _kind: Unasked("ns.new.example: does not answer"))
    finding = only(found)
    assert (finding.state, found.same, found.status) == (State.UNASKED, 0, 3)
    assert "does not answer" in finding.why


def test_one_lost_answer_is_not_taken_for_an_absence(records: Sequence[DnsRecord], well: World) -> None:
    lost = ("example.org", "MX")
    found = seen(records, lambda name, kind: Unasked("lost") if (name, kind) == lost else well(name, kind))
    assert only(found).state is State.UNASKED
    assert found.status == 3
    assert found.same > 20


def test_what_needs_no_answer_from_this_server_is_not_asked_of_it(records: Sequence[DnsRecord], well: World) -> None:
    def ask(name: str, kind: str, /) -> object:
        assert not name.endswith(".arpa")
        return well(name, kind)

    assert seen(records, ask).status == 0  # type: ignore[arg-type]  # it answers as a World does


def test_a_key_that_is_not_made_yet_is_not_looked_for() -> None:
    records = derive(sound()).records
    assert seen(records, World.of(records)).status == 0


def test_findings_come_in_the_order_in_which_people_act(records: Sequence[DnsRecord], well: World) -> None:
    world = well.minus("_smtp._tls.example.org").minus("example.org", "MX").plus(("mail.example.org", "A", "192.0.2.9"))
    found = seen(records, world).findings
    assert [(each.state, each.need) for each in found] == [
        (State.IN_THE_WAY, Need.REQUIRED),
        (State.MISSING, Need.REQUIRED),
        (State.MISSING, Need.OPTIONAL),
    ]


KEPT, OLD = "_25._tcp.mail.example.org", "_25._tcp.mx.old.example"
DIGEST = "1" * 64


@pytest.mark.parametrize("name", [KEPT, OLD])
@pytest.mark.parametrize("data", [f"3 1 1 {DIGEST}", f"3 0 1 {DIGEST}"])
def test_a_key_that_no_server_keeps_is_in_the_way(name: str, data: str) -> None:
    """Of dane that was taken out, or of a name that is a former one by now: mail from who looks stops."""
    plan = derive(sound(former_hostnames=["mx.old.example"]))
    finding = only(seen(plan.records, World.of(plan.records).plus((name, "TLSA", data))))
    assert (finding.state, finding.name, finding.type, finding.found) == (State.IN_THE_WAY, name, "TLSA", (data,))
    assert finding.need is Need.REQUIRED


def test_a_former_names_key_is_in_the_way_beside_described_ones() -> None:
    keys = PublicKeys(tlsa={"proxy": ("2" * 64, "3" * 64)})
    plan = derive(sound(former_hostnames=["mx.old.example"], dane=True), keys)
    assert seen(plan.records, World.of(plan.records)).findings == ()
    assert only(seen(plan.records, World.of(plan.records).plus((OLD, "TLSA", f"3 1 1 {DIGEST}")))).name == OLD


@pytest.mark.parametrize(
    ("name", "data", "dane"),
    [
        (KEPT, f"2 1 1 {DIGEST}", False),
        ("_25._tcp.mx.other.example", f"3 1 1 {DIGEST}", False),
        (KEPT, f"3 1 1 {DIGEST}", True),
    ],
    ids=["an authority's", "another's server's", "described, and not known here"],
)
def test_keys_that_do_no_harm_are_passed_over(name: str, data: str, *, dane: bool) -> None:
    backup = Domain("example.org", ["postmaster"], backup_mx=["mx.other.example"])
    plan = derive(sound(domains=[backup], dane=dane))
    assert seen(plan.records, World.of(plan.records).plus((name, "TLSA", data))).findings == ()
