"""The zone is valid, whole, and says what receivers expect; it is parsed back by software that is not ours."""

from __future__ import annotations

import dns.zone
import dns.zonefile
import pytest

from mailnix import Alias, Domain, Mailbox, MtaStsMode, Proxy
from mailnix.plan import derive, with_dkim
from mailnix.plan.dns import TXT_CHUNK, mta_sts_policy, txt, zone_of, zone_text
from tests.descriptions import PUBLIC4, PUBLIC6, many, sound

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 360
Zone = dict[tuple[str, str], list[str]]


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
        Domain("bücher.de", ["bob"], mta_sts=MtaStsMode.NONE),
    ]
    decided = with_dkim(derive(sound(domains=domains)), {"example.org": KEY})
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


def test_a_contact_that_is_not_ours_gets_no_record_in_a_zone_that_is_not_ours() -> None:
    records = derive(sound(contact="me@elsewhere.net", domains=[Domain("example.org", ["a"])])).records
    assert {record.zone for record in records} == {"example.org", ""}


def test_mail_programs_find_their_servers(zone: Zone) -> None:
    for service, port in (("_submissions", 465), ("_submission", 587), ("_imaps", 993), ("_autodiscover", 443)):
        assert zone[f"{service}._tcp.example.org", "SRV"] == [f"0 1 {port} mail.example.org."]
    for service in ("_imap", "_pop3", "_pop3s"):
        assert zone[f"{service}._tcp.example.org", "SRV"] == ["0 0 0 ."]
    for name in ("autoconfig", "autodiscover"):
        assert zone[f"{name}.example.org", "CNAME"] == ["mail.example.org."]


def test_only_one_authority_may_sign(zone: Zone) -> None:
    assert '0 issue "letsencrypt.org"' in zone["example.org", "CAA"]


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
    decided = with_dkim(derive(topology), {domain.name: KEY for domain in topology.domains})
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


def test_the_policy_file_names_each_mx() -> None:
    policy = mta_sts_policy(MtaStsMode.TESTING, ["mx1.example.org", "mx2.example.org"])
    assert policy.splitlines() == [
        "version: STSv1",
        "mode: testing",
        "mx: mx1.example.org",
        "mx: mx2.example.org",
        "max_age: 604800",
    ]


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
