"""The zone is valid, whole, and says what receivers expect; it is parsed back by software that is not ours."""

from __future__ import annotations

from typing import Any

import dns.zone
import dns.zonefile
import pytest

from mailnix import Alias, Backup, Domain, Internal, Mailbox, MtaStsMode, Proxy, Relay, Topology
from mailnix.model.checks.found import machine_names
from mailnix.plan import Need, PublicKeys, derive, with_keys
from mailnix.plan.dns import TXT_CHUNK, txt, zone_of
from mailnix.zones.zone import zone_text
from tests.descriptions import PUBLIC4, PUBLIC6, many, sound

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 360
Zone = dict[tuple[str, str], list[str]]


def published(topology: Topology) -> Zone:
    """What a description publishes."""
    return parsed(zone_text(derive(topology).records))


def parsed(text: str) -> Zone:
    """Owner and type → data, as dnspython reads the text."""
    whole = dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    found: Zone = {}
    for name, rdataset in whole.iterate_rdatasets():
        found[name.to_text(omit_final_dot=True), rdataset.rdtype.name] = [rdata.to_text() for rdata in rdataset]
    return found


@pytest.fixture(scope="module")
def zone() -> Zone:
    domains = [
        Domain("example.org", ["alice"], [Alias("postmaster", "alice")], mta_sts=MtaStsMode.ENFORCE),
        Domain("bücher.de", ["bob"], mta_sts=MtaStsMode.OFF),
    ]
    decided = with_keys(derive(sound(domains=domains)), PublicKeys({"example.org": KEY}))
    return parsed(zone_text(decided.records))


def test_mail_is_led_to_the_proxy(zone: Zone) -> None:
    assert zone["example.org", "MX"] == ["10 mail.example.org."]
    assert zone["xn--bcher-kva.de", "MX"] == ["10 mail.example.org."]
    assert zone["mail.example.org", "A"] == [PUBLIC4]
    assert zone["mail.example.org", "AAAA"] == [PUBLIC6]


def test_only_the_proxies_may_send(zone: Zone) -> None:
    assert zone["example.org", "TXT"] == ['"v=spf1 mx -all"']
    assert zone["mail.example.org", "TXT"] == ['"v=spf1 a -all"']


def test_the_dkim_key_comes_back_whole_from_its_pieces(zone: Zone) -> None:
    (record,) = zone["dkim._domainkey.example.org", "TXT"]
    pieces = [piece.strip('"') for piece in record.split('" "')]
    assert all(len(piece) <= 255 for piece in pieces)
    assert "".join(pieces) == f"v=DKIM1; k=rsa; t=s; s=email; p={KEY}"


def test_a_key_that_is_not_known_yet_is_a_comment_and_not_a_revoked_key(zone: Zone) -> None:
    assert ("dkim._domainkey.xn--bcher-kva.de", "TXT") not in zone


def test_policies_and_reports_are_published(zone: Zone) -> None:
    assert zone["_dmarc.example.org", "TXT"] == [
        '"v=DMARC1; p=none; rua=mailto:postmaster@example.org; adkim=s; aspf=s"'
    ]
    assert zone["_smtp._tls.example.org", "TXT"] == ['"v=TLSRPTv1; rua=mailto:postmaster@example.org"']
    assert zone["mta-sts.example.org", "CNAME"] == ["mail.example.org."]
    assert zone["_mta-sts.example.org", "TXT"][0].startswith('"v=STSv1; id=')
    assert ("_mta-sts.xn--bcher-kva.de", "TXT") not in zone


def test_a_domain_without_postmaster_reports_elsewhere_and_that_domain_agrees(zone: Zone) -> None:
    assert "rua=mailto:postmaster@example.org" in zone["_dmarc.xn--bcher-kva.de", "TXT"][0]
    assert zone["xn--bcher-kva.de._report._dmarc.example.org", "TXT"] == ['"v=DMARC1"']


def test_a_contact_that_is_not_ours_gets_no_record_in_a_zone_that_is_not_ours_but_its_owner_can_be_told() -> None:
    records = derive(sound(contact="me@elsewhere.net", domains=[Domain("example.org", ["a"])])).records
    assert {record.zone for record in records} == {"example.org", ""}
    assert '\n; example.org._report._dmarc.elsewhere.net. IN TXT "v=DMARC1" ;' in zone_text(records)


@pytest.mark.parametrize(
    "fields",
    [{"aliases": [Alias("postmaster", discard=True)]}, {"mailboxes": [Mailbox("postmaster", state="inactive")]}],
)
def test_a_postmaster_whose_mail_nobody_gets_is_told_nothing(fields: dict[str, Any]) -> None:
    domains = [Domain("example.org", ["alice"], [Alias("postmaster", ["alice"])]), Domain("example.net", **fields)]
    zone = published(sound(domains=domains))
    assert zone["_smtp._tls.example.net", "TXT"] == ['"v=TLSRPTv1; rua=mailto:postmaster@example.org"']


def test_a_contact_that_was_given_gets_the_reports_of_every_domain_and_its_zone_agrees() -> None:
    domains = [Domain("example.org", ["postmaster"]), Domain("example.net", ["postmaster", "reports"])]
    zone = published(sound(domains=domains, contact="reports@example.net"))
    for name in ("example.org", "example.net"):
        assert "rua=mailto:reports@example.net;" in zone[f"_dmarc.{name}", "TXT"][0]
        assert zone[f"_smtp._tls.{name}", "TXT"] == ['"v=TLSRPTv1; rua=mailto:reports@example.net"']
    assert zone["example.org._report._dmarc.example.net", "TXT"] == ['"v=DMARC1"']
    assert ("example.net._report._dmarc.example.net", "TXT") not in zone


@pytest.mark.parametrize(
    ("contact", "uri"),
    [("me@bücher.de", "mailto:me@xn--bcher-kva.de"), ("a!b@example.org", "mailto:a%21b@example.org")],
)
def test_a_report_address_is_written_as_a_uri(contact: str, uri: str) -> None:
    zone = published(sound(contact=contact))
    assert f"rua={uri};" in zone["_dmarc.example.org", "TXT"][0]


def test_others_may_send_for_a_domain_and_sign_as_a_subdomain_of_it() -> None:
    domain = Domain("example.org", ["postmaster"], spf=["include:_spf.newsletter.example", "IP4:192.0.2.7"])
    zone = published(sound(domains=[domain]))
    assert zone["example.org", "TXT"] == ['"v=spf1 mx include:_spf.newsletter.example ip4:192.0.2.7 -all"']
    assert zone["_dmarc.example.org", "TXT"][0].endswith('; adkim=r; aspf=r"')


def test_alignment_and_the_policy_of_subdomains_are_published_as_written() -> None:
    domain = Domain("example.org", ["postmaster"], dmarc="reject", sp="none", adkim="r", spf="a:shop.example", aspf="s")
    zone = published(sound(domains=[domain]))
    assert zone["_dmarc.example.org", "TXT"] == [
        '"v=DMARC1; p=reject; sp=none; rua=mailto:postmaster@example.org; adkim=r; aspf=s"'
    ]


def test_a_backup_mx_comes_last_takes_mail_by_the_policy_too_and_may_not_send() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx2.example.org")]
    domains = [Domain("example.org", ["postmaster"], backup_mx=["MX.friend.example."]), "example.net"]
    zone = published(sound(proxies=two, domains=domains))
    assert sorted(zone["example.org", "MX"]) == ["10 mx1.example.org.", "20 mx2.example.org.", "30 mx.friend.example."]
    assert zone["example.org", "TXT"] == ['"v=spf1 a:mx1.example.org a:mx2.example.org -all"']
    assert zone["example.net", "TXT"] == ['"v=spf1 mx -all"']
    assert zone["_mta-sts.example.org", "TXT"] != zone["_mta-sts.example.net", "TXT"]
    assert ("mx.friend.example", "A") not in zone


def test_the_end_of_mta_sts_is_published_under_another_id_and_only_off_leaves_it_out() -> None:
    def with_mode(mode: str | None) -> Zone:
        return published(sound(domains=[Domain("example.org", ["postmaster"], mta_sts=mode)]))

    ids = [with_mode(mode)["_mta-sts.example.org", "TXT"] for mode in ("enforce", "testing", "none")]
    assert len({*map(tuple, ids)}) == len(ids)
    assert with_mode("none")["mta-sts.example.org", "CNAME"] == ["mail.example.org."]
    for off in ("off", None):
        assert not [name for name, _kind in with_mode(off) if "mta-sts" in name]


def test_mail_programs_find_their_servers(zone: Zone) -> None:
    for service, port in (("_submissions", 465), ("_submission", 587), ("_imaps", 993), ("_autodiscover", 443)):
        assert zone[f"{service}._tcp.example.org", "SRV"] == [f"0 1 {port} mail.example.org."]
    for service in ("_imap", "_pop3", "_pop3s"):
        assert zone[f"{service}._tcp.example.org", "SRV"] == ["0 0 0 ."]
    for name in ("autoconfig", "autodiscover"):
        assert zone[f"{name}.example.org", "CNAME"] == ["mail.example.org."]


@pytest.mark.parametrize("value", ["y", True, "n", False])
def test_without_sogo_nobody_finds_calendars_and_contacts_there(value: str | bool) -> None:
    zone = published(sound(internal=Internal("internal", backup=Backup(), settings={"SKIP_SOGO": value})))
    found = {name.partition(".")[0] for name, _kind in zone if "dav" in name}
    assert found == (set() if value in ("y", True) else {"_caldavs", "_carddavs"})
    assert ("_autodiscover._tcp.example.org", "SRV") in zone  # Mailcow names IMAP and SMTP there


def test_a_selector_with_underscores_and_dots_is_a_name_in_the_zone() -> None:
    topology = sound(domains=[Domain("example.org", ["postmaster"], dkim_selector="mail_2021.s1")])
    zone = parsed(zone_text(with_keys(derive(topology), PublicKeys({"example.org": KEY})).records))
    assert [owner for owner, _kind in zone if "_domainkey" in owner] == ["mail_2021.s1._domainkey.example.org"]


def test_every_name_that_leads_to_our_machines_is_known_to_take_no_mail() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx2.example.org")]
    topology = sound(proxies=two, domains=["example.org", "example.net"], former_hostnames=["old.example.org"])
    led = {record.name for record in derive(topology).records if record.type in ("A", "AAAA", "CNAME")}
    assert led == machine_names(topology)


def test_one_authority_may_sign_for_our_hosts_and_a_web_site_keeps_its_own(zone: Zone) -> None:
    assert zone["mail.example.org", "CAA"] == [
        '0 issue "letsencrypt.org"',
        '0 iodef "mailto:postmaster@example.org"',
    ]
    assert {owner for owner, kind in zone if kind == "CAA"} == {"mail.example.org"}


def test_every_name_with_a_certificate_has_its_authority_there_or_at_what_it_is_an_alias_of() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx.example.net")]
    plan = derive(sound(proxies=two))
    zone = parsed(zone_text(plan.records))
    for name in {name for proxy in plan.proxies for name in proxy.certificate.names}:
        target = zone.get((name, "CNAME"), [f"{name}."])[0].removesuffix(".")
        assert zone[target, "CAA"][0] == '0 issue "letsencrypt.org"'


def test_further_authorities_are_published_at_the_domain_beside_ours() -> None:
    """Mailcow asks for no certificate where its host name's parent forbids Let's Encrypt (acme-mailcow)."""
    named = ["digicert.com", "pki.goog; validationmethods=dns-01", "letsencrypt.org"]
    zone = published(sound(domains=[Domain("example.org", ["postmaster"], caa=named)]))
    assert [data for data in zone["example.org", "CAA"] if " issue " in data] == [
        '0 issue "letsencrypt.org"',
        '0 issue "digicert.com"',
        '0 issue "pki.goog; validationmethods=dns-01"',
    ]


def test_no_name_has_a_cname_beside_other_records(zone: Zone) -> None:
    aliases = {name for name, kind in zone if kind == "CNAME"}
    assert not {name for name, kind in zone if kind != "CNAME"} & aliases


def test_reverse_names_are_told_but_not_in_a_zone_of_ours() -> None:
    text = zone_text(derive(sound()).records)
    assert "; 1.100.9.5.in-addr.arpa. IN PTR mail.example.org." in text
    assert not [owner for owner, _kind in parsed(text) if owner.endswith("arpa")]


def test_two_proxies_are_two_mx_and_clients_may_use_either() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx2.example.org")]
    zone = parsed(zone_text(derive(sound(proxies=two)).records))
    assert sorted(zone["example.org", "MX"]) == ["10 mx1.example.org.", "20 mx2.example.org."]
    assert sorted(zone["mail.example.org", "A"]) == [PUBLIC4, "5.9.100.2"]
    assert zone["mx1.example.org", "A"] == [PUBLIC4]
    assert zone["mx2.example.org", "TXT"] == ['"v=spf1 a -all"']


def test_a_thousand_domains_make_a_zone_that_parses() -> None:
    topology = many(1000, mailboxes=1)
    decided = with_keys(derive(topology), PublicKeys({domain.name: KEY for domain in topology.domains}))
    zone = parsed(zone_text(decided.records))
    assert sum(kind == "MX" for _owner, kind in zone) == 1000
    assert sum(owner.startswith("dkim._domainkey.") for owner, _kind in zone) == 1000
    expected = {(r.name, r.type) for r in decided.records if r.zone}
    assert set(zone) == expected


def test_text_is_cut_at_255_bytes_and_escaped() -> None:
    assert txt("a" * (TXT_CHUNK + 1)) == f'"{"a" * TXT_CHUNK}" "a"'
    assert txt('say "hi" \\') == '"say \\"hi\\" \\\\"'
    assert txt("") == '""'


@pytest.mark.parametrize("length", range(250, 262))
def test_an_escape_is_never_cut_in_two(length: int) -> None:
    text = "a" * length + '"\\' * 3
    (rrset,) = dns.zonefile.read_rrsets(
        f"x.org. IN TXT {txt(text)}", origin=".", relativize=False, rdclass=None, default_ttl=1
    )
    assert b"".join(rrset[0].strings).decode() == text


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("mail.a.org", "a.org"),
        ("mail.b.a.org", "b.a.org"),
        ("a.org", "a.org"),
        ("mail.other.net", "other.net"),
        ("xa.org", "org"),
    ],
)
def test_a_host_belongs_to_the_longest_domain_that_it_is_in(name: str, zone: str) -> None:
    assert zone_of(name, {"a.org", "b.a.org"}) == zone


def test_unicode_domains_are_shown_to_people_and_published_as_a_labels() -> None:
    text = zone_text(derive(sound(domains=[Domain("bücher.de", [Mailbox("a")])])).records)
    assert "; xn--bcher-kva.de (bücher.de)" in text
    assert not [line for line in text.splitlines() if "ü" in line and not line.startswith(";")]


def test_relays_may_send_for_every_domain() -> None:
    relays = [
        Relay("smtp.relay.example", "u", spf=["include:spf.relay.example"]),
        Relay("smtp.other.example", "u", ["outlook.com"], spf=["include:spf.relay.example", "ip4:192.0.2.0/24"]),
    ]
    zone = published(sound(relays=relays, domains=[Domain("example.org", ["postmaster"], spf="a"), "example.net"]))
    assert zone["example.org", "TXT"] == ['"v=spf1 mx include:spf.relay.example ip4:192.0.2.0/24 a -all"']
    assert zone["example.net", "TXT"] == ['"v=spf1 mx include:spf.relay.example ip4:192.0.2.0/24 -all"']
    assert zone["_dmarc.example.net", "TXT"][0].endswith(
        'adkim=s; aspf=s"'
    )  # signed and sent as the domain all the same


def test_a_former_host_name_goes_on_until_nobody_asks_for_it() -> None:
    two = [Proxy("east", PUBLIC4, hostname="mx1.example.org"), Proxy("west", "5.9.100.2", hostname="mx2.example.org")]
    domains = [Domain("example.org", ["postmaster"]), Domain("example.net", backup_mx="mx.friend.example")]
    before = published(sound(proxies=two, domains=domains))
    plan = derive(sound(proxies=two, domains=domains, former_hostnames=["MX.old.example"]))
    zone = parsed(zone_text(plan.records))
    assert sorted(zone["example.org", "MX"]) == ["10 mx1.example.org.", "20 mx2.example.org.", "30 mx.old.example."]
    assert zone["example.net", "MX"][-1] == "40 mx.friend.example."
    assert zone["example.net", "TXT"] == ['"v=spf1 a:mx1.example.org a:mx2.example.org -all"']  # its addresses are ours
    assert sorted(zone["mx.old.example", "A"]) == [PUBLIC4, "5.9.100.2"]
    said = [line for line in zone_text(plan.records).splitlines() if "where it leads elsewhere" in line]
    assert [line.split()[:4] for line in said] == [["mx.old.example.", "IN", "A", a] for a in (PUBLIC4, "5.9.100.2")]
    assert zone["mx.old.example", "TXT"] == ['"v=spf1 a -all"']
    assert zone["mx.old.example", "CAA"][0] == '0 issue "letsencrypt.org"'
    assert zone["_mta-sts.example.org", "TXT"] != before["_mta-sts.example.org", "TXT"]
    assert not [
        data for (_, kind), each in zone.items() if kind in ("PTR", "SRV", "CNAME") for data in each if "old" in data
    ]
    assert all("mx.old.example" in proxy.certificate.names for proxy in plan.proxies)


# DANE


def described(**keys: tuple[str, ...]) -> Zone:
    """Two proxies with names of their own and one that shares the second's, and what is known of their keys."""
    proxies = [
        Proxy("east", PUBLIC4),
        Proxy("west", "5.9.100.2", hostname="mx.example.org"),
        Proxy("far", "5.9.100.3", hostname="mx.example.org"),
    ]
    return parsed(zone_text(with_keys(derive(sound(proxies=proxies, dane=True)), PublicKeys(tlsa=keys)).records))


def test_each_mx_name_has_the_keys_of_its_proxies_those_in_use_and_the_next() -> None:
    one, two, three = ((f"{number}" * 64, f"{number + 1}" * 64) for number in (1, 3, 5))
    zone = described(east=one, west=two, far=three)
    assert zone["_25._tcp.mail.example.org", "TLSA"] == [f"3 1 1 {key}" for key in one]
    assert zone["_25._tcp.mx.example.org", "TLSA"] == [f"3 1 1 {key}" for key in (*two, *three)]


def test_a_key_that_is_not_known_is_a_comment_which_says_how_it_is_made() -> None:
    plan = derive(sound(dane=True))
    (record,) = (each for each in plan.records if each.type == "TLSA")
    assert record.placeholder
    assert f"; _25._tcp.mail.example.org. IN TLSA 3 1 1 ; {record.note}" in zone_text(plan.records)
    assert "mailnix secrets init" in record.note
    assert "TLSA" not in {kind for _name, kind in parsed(zone_text(plan.records))}


def test_keys_are_published_only_where_the_description_says_so() -> None:
    plan = with_keys(derive(sound()), PublicKeys(tlsa={"proxy": ("0" * 64,)}))
    assert "TLSA" not in {each.type for each in plan.records}


def test_tlsa_records_are_optional_and_say_that_the_zone_must_be_signed() -> None:
    (record,) = (each for each in derive(sound(dane=True)).records if each.type == "TLSA")
    assert record.need is Need.OPTIONAL
    assert "signed" in record.reason
