"""Mistakes in others' servers that mail leaves by are found."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Domain, Relay, Topology
from mailnix.errors import Severity
from mailnix.model.check import problems
from tests.descriptions import sound

SPF = "include:_spf.relay.example"


def with_relay(**changed: Any) -> Topology:
    return sound(relays=[Relay(**{"host": "smtp.relay.example", "user": "u", "spf": [SPF], **changed})])


def found(topology: Topology) -> dict[str, tuple[Severity, str]]:
    return {problem.path: (problem.severity, problem.message) for problem in problems(topology)}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"port": 465},
        {"port": 2465, "tls": "implicit"},
        {"domains": ["outlook.com", "bücher.example"]},
        {"user": None},
        {"user": None, "tls": "none"},
        {"user": "0123"},
        {"spf": ["ip4:203.0.113.0/24"]},
    ],
)
def test_what_is_right_is_not_mentioned(changed: dict[str, Any]) -> None:
    assert found(with_relay(**changed)) == {}


@pytest.mark.parametrize(
    ("changed", "path", "why"),
    [
        ({"host": "smtp.relay.example:587"}, "host", "not a domain name"),
        ({"host": "192.0.2.25"}, "host", "is an address"),
        ({"host": "mail.example.org"}, "host", "in circles"),
        ({"host": "mta-sts.example.org"}, "host", "in circles"),
        ({"port": 0}, "port", "is no port"),
        ({"port": "587"}, "port", "not a whole number"),
        ({"tls": "ssl"}, "tls", "'implicit'"),
        ({"tls": "none"}, "tls", "in clear"),
        ({"user": ""}, "user", "is not a user"),
        ({"user": "u\nv"}, "user", "is not a user"),
        ({"user": " u"}, "user", "is not a user"),
        ({"domains": ["@outlook.com"]}, "domains[0]", "a mail address"),
        ({"domains": ["example.org"]}, "domains[0]", "is yours"),
        ({"domains": ["outlook.com", "Outlook.com"]}, "domains[1]", "already"),
        ({"spf": ["~all"]}, "spf[0]", "ends with -all already"),
    ],
)
def test_a_mistake_is_an_error_at_its_place(changed: dict[str, Any], path: str, why: str) -> None:
    severity, message = found(with_relay(**changed))[f"relays[0].{path}"]
    assert severity is Severity.ERROR
    assert why in message


@pytest.mark.parametrize(
    ("changed", "path", "why"),
    [
        ({"spf": []}, "spf", "fails SPF"),
        ({"port": 25}, "port", "block port 25"),
        ({"port": 587, "tls": "implicit"}, "tls", "begins by starttls"),
        ({"port": 465, "tls": "starttls"}, "tls", "begins by implicit"),
    ],
)
def test_what_deserves_a_second_look_is_a_warning(changed: dict[str, Any], path: str, why: str) -> None:
    severity, message = found(with_relay(**changed))[f"relays[0].{path}"]
    assert severity is Severity.WARNING
    assert why in message


def test_a_port_in_the_name_is_told_how_to_be_written() -> None:
    (problem,) = problems(with_relay(host="smtp.relay.example:587"))
    assert problem.hint == 'write Relay("smtp.relay.example", port=587)'


def test_a_mail_leaves_by_one_relay() -> None:
    one, other = (Relay(f"smtp.{name}.example", spf=[SPF]) for name in "ab")
    assert "relays[1].domains" in found(sound(relays=[one, other]))
    assert "relays[1].host" in found(sound(relays=[one, Relay(one.host, domains=["x.example"], spf=[SPF])]))
    some = [Relay(f"smtp.{name}.example", domains=["outlook.com"], spf=[SPF]) for name in "ab"]
    assert "relays[1].domains[0]" in found(sound(relays=some))
    assert found(sound(relays=[one, some[1]])) == {}


def test_look_ups_of_relays_count_for_every_domain() -> None:
    domain = Domain("example.org", ["postmaster"], spf=[f"include:s{n}.example" for n in range(9)])
    relay = Relay("smtp.relay.example", spf=[SPF])
    assert found(sound(domains=[domain])) == {}
    assert "costs 11 look-ups" in found(sound(domains=[domain], relays=[relay]))["domains[0].spf"][1]


def test_a_bare_text_is_a_relay() -> None:
    assert sound(relays="smtp.relay.example").relays == (Relay("smtp.relay.example"),)
