"""A real validating resolver and a signed zone: what is published is found, and what is wrong is told apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, Domain
from mailnix.doctor.dns.checks import CHECKS
from mailnix.doctor.dns.gather import Doors, gathered
from mailnix.doctor.values import Answer, Finding
from mailnix.plan import Plan, PublicKeys, derive
from mailnix.resolve import Server
from rig import signed_dns
from rig.waiting import free_net
from tests.descriptions import sound
from tests.doctor.dns.world import Record, bad, records_of
from tests.doctor.here import CERTIFICATE, Elsewhere

PLAN = derive(
    sound(domains=[Domain("example.org", ["alice"], [Alias("postmaster", "alice")])]),
    PublicKeys({"example.org": "TUlJ"}),
)
RECORDS = records_of(PLAN)
MX: Record = ("example.org", "MX", "10 mail.example.org.")
DANE = derive(
    evolve(PLAN.topology, dane=True),
    PublicKeys({"example.org": "TUlJ"}, {"proxy": (CERTIFICATE.tlsa(3, 1, 1).split()[-1], "2" * 64)}),
)

pytestmark = pytest.mark.skipif(bool(signed_dns.missing()), reason=signed_dns.missing())


@contextmanager
def published(folder: Path, records: tuple[Record, ...], broken: tuple[str, ...] = ()) -> Iterator[Server]:
    """A resolver of an internet in which these records are signed; at names in `broken` signatures do not hold."""
    net = free_net()
    lines = [f"{name}. 60 IN {kind} {data}" for name, kind, data in records]
    authority = signed_dns.authority(f"{net}.54", lines, broken)
    authority.open()
    try:
        with signed_dns.resolver(folder / "unbound", f"{net}.53", authority) as unbound:
            yield Server("unbound", (unbound.address,))
    finally:
        authority.close()


def found(folder: Path, records: tuple[Record, ...], broken: tuple[str, ...] = (), plan: Plan = PLAN) -> list[Finding]:
    with published(folder, records, broken) as resolver:
        facts = gathered(plan, Doors((resolver,), Elsewhere.as_described(plan)), {check.id for check in CHECKS})
    return [check.finding(verdict) for check in CHECKS for verdict in check.judge(facts)]


def test_what_is_published_is_well_and_proven(tmp_path: Path) -> None:
    findings = found(tmp_path, records_of(DANE), plan=DANE)
    assert bad(findings) == {}
    evidence = {each.id: each.evidence for each in findings}
    assert evidence["dns.dnssec"] == "signed, and proven to unbound"
    assert "as published" in evidence["dns.tlsa"]


def test_a_record_that_is_wrong_and_one_that_is_gone_are_found(tmp_path: Path) -> None:
    gone = ("_smtp._tls.example.org", "TXT")
    others = tuple(each for each in RECORDS if each != MX and each[:2] != gone)
    wrong = bad(found(tmp_path, (*others, ("example.org", "MX", "10 mx.provider.example."))))
    assert {name: each[0].answer for name, each in wrong.items()} == {
        "dns.mx": Answer.WRONG,
        "dns.tls_rpt": Answer.ABSENT,
    }


def test_a_signature_that_does_not_hold_is_told_from_a_record_that_is_not_there(tmp_path: Path) -> None:
    wrong = bad(found(tmp_path, RECORDS, broken=("_dmarc.example.org.",)))
    assert list(wrong) == ["dns.dnssec"]
    assert "_dmarc.example.org TXT" in wrong["dns.dnssec"][0].evidence
