"""What checkdmarc, software that is not ours, thinks of the same records at the same resolver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.resolver
import pytest

from mailnix.doctor.dns.checks import CHECKS
from mailnix.doctor.dns.gather import Doors, gathered
from mailnix.doctor.values import Answer, Severity
from rig import signed_dns
from tests.doctor.dns.test_real import PLAN, RECORDS, published
from tests.doctor.dns.world import Record
from tests.doctor.here import Elsewhere

checkdmarc = pytest.importorskip("checkdmarc", reason="checkdmarc is not installed: make setup")
pytestmark = pytest.mark.skipif(bool(signed_dns.missing()), reason=signed_dns.missing())

NAME = "example.org"
Opinion = Callable[..., dict[str, Any]]
REPORTS = "v=TLSRPTv1; rua=mailto:"
MANY = " ".join(f"a:a{number}.example.org" for number in range(10))


def theirs(kind: str) -> Opinion:
    """Their check of a kind of record."""
    from checkdmarc import dmarc, smtp_tls_reporting, spf, utils

    utils.DNS_CACHE.clear()  # which has answers of other cases
    checks = {"spf": spf.check_spf, "dmarc": dmarc.check_dmarc, "tls_rpt": smtp_tls_reporting.check_smtp_tls_reporting}
    return checks[kind]  # type: ignore[no-any-return]


def instead(name: str, *texts: str) -> tuple[Record, ...]:
    """The plan's records with these texts in the place of a name's."""
    others = tuple(each for each in RECORDS if each[:2] != (name, "TXT"))
    return (*others, *((name, "TXT", f'"{text}"') for text in texts))


CASES: dict[str, tuple[str, tuple[Record, ...], bool]] = {
    "spf as described": ("spf", RECORDS, True),
    "dmarc as described": ("dmarc", RECORDS, True),
    "tls_rpt as described": ("tls_rpt", RECORDS, True),
    "two spf records": ("spf", instead(NAME, "v=spf1 mx -all", "v=spf1 a -all"), False),
    "no spf record": ("spf", instead(NAME), False),
    "too many look-ups": ("spf", instead(NAME, f"v=spf1 mx {MANY} a:b.example.org -all"), False),
    "two dmarc records": ("dmarc", instead(f"_dmarc.{NAME}", "v=DMARC1; p=none", "v=DMARC1; p=reject"), False),
    "two tls_rpt records": (
        "tls_rpt",
        instead(f"_smtp._tls.{NAME}", *(f"{REPORTS}{who}@y.example" for who in "xz")),
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_both_say_the_same(case: str, tmp_path: Path) -> None:
    kind, records, is_valid = CASES[case]
    with published(tmp_path, records) as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = list(server.addresses)
        opinion = theirs(kind)(NAME, resolver=resolver)
        facts = gathered(PLAN, Doors((server,), Elsewhere.as_described(PLAN)), {f"dns.{kind}"})
    (check,) = (check for check in CHECKS if check.id == f"dns.{kind}")
    (finding,) = [check.finding(verdict) for verdict in check.judge(facts)]
    assert opinion["valid"] is is_valid, opinion
    assert (finding.answer is Answer.WELL) is is_valid
    assert is_valid or kind == "tls_rpt" or finding.severity is Severity.FAILURE
