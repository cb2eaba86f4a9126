"""Mistakes in what a domain publishes are found."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Alias, Domain, Proxy, Relay, Topology
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
        ({"spf": ["mx", "?include:EXAMPLE.org."]}, "spf[1]", "includes itself: example.org → example.org"),
        (
            {"spf": ["include:mail.example.org", *(f"include:s{n}.example" for n in range(8))]},
            "spf",
            "costs 11 look-ups",
        ),
        ({"backup_mx": ["192.0.2.1"]}, "backup_mx[0]", "is an address"),
        ({"backup_mx": ["mail.example.org"]}, "backup_mx[0]", "is a machine of ours"),
        ({"backup_mx": ["autodiscover.example.org"]}, "backup_mx[0]", "leads to our own machines"),
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


def chain(*includes: list[str], **more: Any) -> Topology:
    """Domains a.org, b.org, … that include these."""
    domains = [Domain(f"{name}.org", ["postmaster"], spf=spf) for name, spf in zip("abcdef", includes, strict=False)]
    return sound(domains=domains, **more)


@pytest.mark.parametrize(
    ("topology", "among"),
    [
        (chain(["include:b.org"], ["include:a.org"]), {"a.org", "b.org"}),
        (chain(["include:b.org"], ["include:c.org"], ["a", "include:a.org"]), {"a.org", "b.org", "c.org"}),
        (chain(["include:b.org"], ["include:c.org"], ["include:b.org"]), {"b.org", "c.org"}),
    ],
)
def test_domains_that_include_each_other_are_an_error(topology: Topology, among: set[str]) -> None:
    ((severity, message),) = found(topology).values()
    trail = message.removeprefix("includes itself: ").partition(";")[0].split(" → ")
    assert severity is Severity.ERROR
    assert (trail[0], {*trail}) == (trail[-1], among)


def test_a_relay_may_not_include_a_domain_of_ours_for_it_sends_for_that_one_too() -> None:
    topology = chain([], [], relays=[Relay("smtp.relay.example", spf=["include:b.org"])])
    assert {path: "b.org → b.org" in message for path, (_, message) in found(topology).items()} == {
        "relays[0].spf[0]": True
    }


def test_what_an_included_domain_of_ours_costs_counts_too() -> None:
    some = [f"include:s{n}.example" for n in range(4)]
    assert found(chain(["include:b.org", *some[:3]], ["include:c.org"], some[:2])) == {}
    problems = found(chain(["include:b.org", *some], ["include:c.org", *some], some[:2]))
    assert {path: message.split(" look-ups")[0] for path, (_, message) in problems.items()} == {
        "domains[0].spf": "costs 15"
    }


def test_checking_many_domains_that_include_themselves_ends_soon() -> None:
    domains = [Domain(f"d{n}.org", ["postmaster"], spf=[f"include:d{n}.org"]) for n in range(500)]
    assert len(found(sound(domains=domains))) == len(domains)
