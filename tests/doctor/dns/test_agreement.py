"""What is published is judged alike by `mailnix dns diff` and `mailnix doctor`: as described, or not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailnix import Domain, MtaStsMode, Proxy, Topology
from mailnix.doctor.values import Answer
from mailnix.plan import Plan, PublicKeys, derive
from mailnix.published import look_at
from mailnix.resolve import Server
from tests.descriptions import PUBLIC4, PUBLIC6, sound
from tests.doctor.dns.world import Record, findings, records_of, world
from tests.published.conftest import World

KEY = "TUlJQklq"


def described() -> Topology:
    """A domain at which somebody else may sign certificates, too."""
    return sound(domains=[Domain("example.org", ["postmaster"], caa=["ca.example"])])


PLAN = derive(described(), PublicKeys({"example.org": KEY}))
RECORDS = records_of(PLAN)
ORG, HOST, DMARC, DKIM = "example.org", "mail.example.org", "_dmarc.example.org", "dkim._domainkey.example.org"
STS, RPT, AUTO, IMAPS, DAV = (
    f"{label}.{ORG}" for label in ("_mta-sts", "_smtp._tls", "autoconfig", "_imaps._tcp", "_caldavs._tcp")
)
ID = next(data for name, _, data in RECORDS if name == STS)
PATH = next(data for name, kind, data in RECORDS if (name, kind) == (DAV, "TXT"))
SENDS = next(data for name, kind, data in RECORDS if (name, kind) == (ORG, "TXT") and "spf1" in data)
SEES = next(data for name, _, data in RECORDS if name == DMARC)
OURS = [data for name, kind, data in RECORDS if (name, kind) == (ORG, "CAA")]
SAME, OTHER = True, False

INSTEAD: tuple[tuple[bool, str, str, tuple[str, ...]], ...] = (
    (SAME, HOST, "A", (PUBLIC4,)),
    (OTHER, HOST, "A", ()),
    (OTHER, HOST, "A", ("198.51.100.66",)),
    (OTHER, HOST, "A", (PUBLIC4, "198.51.100.66")),
    (SAME, HOST, "AAAA", (PUBLIC6.upper(),)),
    (OTHER, HOST, "AAAA", ("2001:db8:66::1",)),
    (SAME, ORG, "MX", ("50 MAIL.example.org.",)),
    (OTHER, ORG, "MX", ("50 mx.provider.example.",)),
    (OTHER, ORG, "MX", ("10 mail.example.org.", "20 mx.provider.example.")),
    (SAME, ORG, "TXT", (SENDS.upper(), '"google-site-verification=abc"')),
    (SAME, ORG, "TXT", ('"v=spf1  mx" " -all"',)),
    (OTHER, ORG, "TXT", ('"v=spf1 mx ?all"',)),
    (OTHER, ORG, "TXT", (SENDS, '"v=spf1 include:old.example -all"')),
    (OTHER, ORG, "TXT", (SENDS, SENDS.replace("v=", "V="))),
    (OTHER, ORG, "TXT", ('"google-site-verification=abc"',)),
    (OTHER, ORG, "TXT", ('""',)),
    (SAME, DMARC, "TXT", (SEES.replace("; ", ";"),)),
    (SAME, DMARC, "TXT", (SEES, '"verification=abc"')),
    (SAME, DMARC, "TXT", (SEES.replace("; rua", ";RUA"),)),
    (OTHER, DMARC, "TXT", (SEES.replace("DMARC1", "dmarc1"),)),
    (OTHER, DMARC, "TXT", ('"v=DMARC1; p=reject"',)),
    (OTHER, DMARC, "TXT", (SEES, '"v=DMARC1; p=reject"')),
    (OTHER, DMARC, "TXT", ('"verification=abc"',)),
    (SAME, DKIM, "TXT", (f'"k=rsa; p={KEY[:4]}" "{KEY[4:]}; n=made today"',)),
    (OTHER, DKIM, "TXT", ('"v=DKIM1; k=rsa; p=YWJj"',)),
    (OTHER, DKIM, "TXT", (f'"v=DKIM1; t=y; p={KEY}"',)),
    (OTHER, DKIM, "TXT", (f'"v=DKIM2; p={KEY}"',)),
    (OTHER, DKIM, "TXT", (f'"p={KEY}"', '"p=YWJj"')),
    (OTHER, DKIM, "TXT", ('"verification=abc"',)),
    (SAME, STS, "TXT", (ID.replace("; ", " ;"), '"verification=abc"')),
    (OTHER, STS, "TXT", (ID.replace("id=", "id=0"),)),
    (OTHER, STS, "TXT", (ID, ID.replace("id=", "id=0"))),
    (OTHER, RPT, "TXT", ('"v=TLSRPTv1; rua=mailto:old@provider.example"',)),
    (OTHER, RPT, "TXT", ('"verification=abc"',)),
    (SAME, DAV, "TXT", (f'"{PATH[1:-1]} "',)),
    (OTHER, DAV, "TXT", (PATH.lower(),)),  # a path's letter case counts
    (OTHER, DAV, "TXT", ('"path=/x"',)),
    (OTHER, DAV, "TXT", (PATH, '"path=/x"')),
    (SAME, IMAPS, "SRV", ("0 1 993 MAIL.example.org.",)),
    (OTHER, IMAPS, "SRV", ("0 1 143 mail.example.org.",)),
    (OTHER, IMAPS, "SRV", ("0 1 993 mail.example.org.", "5 1 993 old.provider.example.")),
    (SAME, ORG, "CAA", (*OURS, '0 issue ";"', '0 issuewild ";"', '0 iodef "mailto:web@provider.example"')),
    (SAME, ORG, "CAA", (*OURS, '0 issuewild "ca.example"')),
    (OTHER, ORG, "CAA", (*OURS, '0 issue "other.example"')),
    (OTHER, ORG, "CAA", (*OURS, '0 issuewild "other.example"')),
    (OTHER, ORG, "CAA", tuple(OURS[1:])),
    (OTHER, ORG, "CAA", ('0 issue ";"',)),
    (OTHER, HOST, "CAA", ('0 issue "letsencrypt.org"', '0 issue "other.example"')),
    (OTHER, HOST, "CAA", ('0 issue "letsencrypt.org; validationmethods=dns-01"',)),
    (SAME, AUTO, "CNAME", ("MAIL.example.org.",)),
    (OTHER, AUTO, "CNAME", ("web.provider.example.",)),
    (OTHER, AUTO, "CNAME", ()),
)


def cases() -> Iterator[object]:
    """Records that stand in the place of all of a name and type; then what some providers make of an alias."""
    for same, name, kind, data in INSTEAD:
        kept = tuple(each for each in RECORDS if each[:2] != (name, kind))
        published = (*kept, *((name, kind, each) for each in data))
        yield pytest.param(PLAN, published, same, id=f"{name} {kind} {'; '.join(data)[:60]}")
    kept = tuple(each for each in RECORDS if each[0] != AUTO)
    for addresses, same in (((PUBLIC4, PUBLIC6), SAME), ((PUBLIC4,), SAME), ((PUBLIC4, "198.51.100.66"), OTHER)):
        flat = ((AUTO, "AAAA" if ":" in each else "A", each) for each in addresses)
        yield pytest.param(PLAN, (*kept, *flat), same, id=f"{AUTO} {' '.join(addresses)}")


OF_SEVERAL = derive(
    sound(
        proxies=[
            Proxy("east", PUBLIC4, hostname="mx1.example.org"),
            Proxy("west", "5.9.100.2", hostname="mx.example.net"),
        ],
        domains=[
            Domain("example.org", ["postmaster"]),
            Domain("example.net", ["postmaster"]),
            Domain("example.com", ["postmaster"], mta_sts=MtaStsMode.OFF),
        ],
    ),
    PublicKeys({"example.org": KEY, "example.net": KEY, "example.com": KEY}),
)
"""Names of proxies in several zones, and a domain without an MTA-STS policy."""
STRANGER, NET, AUTONET = '0 issue "other.example"', "example.net", "autoconfig.example.net"
FLAT = ((AUTONET, "A", PUBLIC4), (AUTONET, "A", "5.9.100.2"))
BESIDE: tuple[tuple[bool, tuple[Record, ...]], ...] = (
    (SAME, ((ORG, "A", "198.51.100.66"), (f"www.{ORG}", "CNAME", f"{ORG}."))),
    (OTHER, ((ORG, "CAA", STRANGER),)),  # Mailcow reads it
    (OTHER, ((ORG, "CAA", '0 issue ";"'),)),
    (OTHER, ((ORG, "CAA", '0 ISSUE "other.example"'),)),
    (SAME, ((ORG, "CAA", STRANGER), (ORG, "CAA", '0 issue "LetsEncrypt.org; x=1"'))),
    (SAME, ((ORG, "CAA", '0 issuewild "other.example"'),)),
    (SAME, ((NET, "CAA", STRANGER),)),  # of whose names Mailcow asks certificates for none
    (SAME, FLAT),
    (OTHER, (*FLAT, (AUTONET, "CAA", STRANGER))),
    (OTHER, (*FLAT, (NET, "CAA", STRANGER))),
    (SAME, (*FLAT, (AUTONET, "CAA", '0 issue "letsencrypt.org"'), (NET, "CAA", STRANGER))),
    (OTHER, (("_mta-sts.example.com", "TXT", '"v=STSv1; id=1"'),)),
    (SAME, (("_mta-sts.example.com", "TXT", '"verification=abc"'),)),
    (OTHER, (("_25._tcp.mx.example.net", "TLSA", f"3 1 1 {'1' * 64}"),)),
)


def beside() -> Iterator[object]:
    """Records that stand beside those described; addresses in the place of an alias."""
    for same, more in BESIDE:
        moved = {name for name, kind, _ in more if kind == "A"}
        kept = (each for each in records_of(OF_SEVERAL) if not (each[0] in moved and each[1] == "CNAME"))
        yield pytest.param(OF_SEVERAL, (*kept, *more), same, id="; ".join(map(" ".join, more[-2:])))


@pytest.mark.parametrize(("plan", "published", "same"), [*cases(), *beside()])
def test_both_blame_the_same_names(plan: Plan, published: tuple[Record, ...], same: bool) -> None:
    seen = look_at(plan.records, plan.internal.certificate.names, Server("ns", ("192.0.2.53",)), World(published))
    found = findings(plan, world(plan, published))
    blamed = {each.subject.split()[0] for each in found if each.answer is not Answer.WELL}
    assert {each.name for each in seen.findings} == blamed
    assert (blamed == set()) is same


def test_every_type_and_kind_of_the_plan_is_in_the_table() -> None:
    assert {kind for _, _, kind, _ in INSTEAD} == {kind for _, kind, _ in RECORDS} - {
        "PTR"
    }  # asked of no single server
