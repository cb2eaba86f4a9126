"""Mistakes in what a domain publishes are found."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Alias, Domain, Proxy, Topology
from mailnix.errors import Severity
from mailnix.model.check import problems
from tests.descriptions import PUBLIC4, sound


def with_domain(**changed: Any) -> Topology:
    fields = {"name": "example.org", "mailboxes": ["alice"], "aliases": [Alias("postmaster", ["alice"])], **changed}
    return sound(domains=[Domain(**fields)])


def found(topology: Topology) -> dict[str, tuple[Severity, str]]:
    return {problem.path: (problem.severity, problem.message) for problem in problems(topology)}


@pytest.mark.parametrize(
    ("changed", "path", "why"),
    [
        ({"adkim": "strict"}, "adkim", "'r' or 's'"),
        ({"aspf": 1}, "aspf", "'r' or 's'"),
        ({"sp": "hard"}, "sp", "'quarantine'"),
        ({"mta_sts": "report"}, "mta_sts", "'off'"),
        ({"spf": ["mx", "~all"]}, "spf[1]", "ends with -all already"),
        ({"spf": [7]}, "spf[0]", "not a text"),
        ({"spf": [f"include:s{n}.example" for n in range(10)]}, "spf", "costs 11 look-ups"),
        ({"backup_mx": ["192.0.2.1"]}, "backup_mx[0]", "is an address"),
        ({"backup_mx": ["mail.example.org"]}, "backup_mx[0]", "is a machine of ours"),
        ({"backup_mx": ["mx.friend.example", "MX.friend.example."]}, "backup_mx[1]", "already"),
        ({"caa": ["Let's Encrypt"]}, "caa[0]", "not a domain name"),
        ({"caa": ["https://letsencrypt.org"]}, "caa[0]", "is a URL"),
        ({"caa": ["digicert.com; policy"]}, "caa[0]", "RFC 8659"),
        ({"caa": ['digicert.com; a="b']}, "caa[0]", "RFC 8659"),
        ({"caa": [";"]}, "caa[0]", "missing"),
    ],
)
def test_a_mistake_is_an_error_at_its_place(changed: dict[str, Any], path: str, why: str) -> None:
    severity, message = found(with_domain(**changed))[f"domains[0].{path}"]
    assert severity is Severity.ERROR
    assert why in message


@pytest.mark.parametrize(
    ("changed", "path", "why"),
    [
        ({"mta_sts": None}, "mta_sts", "publishes no policy"),
        ({"spf": ["a:x.example", "A:X.example"]}, "spf[1]", "named twice"),
        ({"backup_mx": ["mx2.example.org"]}, "backup_mx[0]", "in a zone of ours"),
    ],
)
def test_what_deserves_a_second_look_is_a_warning(changed: dict[str, Any], path: str, why: str) -> None:
    severity, message = found(with_domain(**changed))[f"domains[0].{path}"]
    assert severity is Severity.WARNING
    assert why in message


@pytest.mark.parametrize(
    "changed",
    [
        {"spf": ["mx", *(f"include:s{n}.example" for n in range(9))]},  # "mx" is there anyway
        {"spf": [f"ip4:192.0.2.{n}" for n in range(50)]},
        {"mta_sts": "none", "sp": "reject", "adkim": "r", "aspf": "s"},
        {"caa": ["DigiCert.com"]},
        {"caa": ["digicert.com", "pki.goog; validationmethods=dns-01; accounturi=https://ca.example/acct/1"]},
        {"backup_mx": ["mx.friend.example"], "spf": [f"include:s{n}.example" for n in range(9)]},
    ],
)
def test_what_is_right_is_not_mentioned(changed: dict[str, Any]) -> None:
    assert found(with_domain(**changed)) == {}


def test_each_of_our_own_names_costs_a_look_up_where_a_backup_mx_must_not_send() -> None:
    proxies = [Proxy("a", PUBLIC4, hostname="mx1.example.org"), Proxy("b", "5.9.100.2", hostname="mx2.example.org")]
    fields: dict[str, Any] = {"mailboxes": ["postmaster"], "spf": [f"include:s{n}.example" for n in range(9)]}
    plain, guarded = Domain("example.org", **fields), Domain("example.org", backup_mx="mx.friend.example", **fields)
    assert found(sound(proxies=proxies, domains=[plain])) == {}
    assert "domains[0].spf" in found(sound(proxies=proxies, domains=[guarded]))
