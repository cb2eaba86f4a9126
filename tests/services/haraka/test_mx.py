"""Where haraka-out takes mail for a domain, by what DNS says (RFC 5321 5.1, RFC 7505)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import rig as stands
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

Zone = Mapping[str, object]  # "TYPE name" → answers, or the code of an error

ASK = """
const { route, elsewhere, home, within_reach } = require(`${PLUGINS}/deliveries/mx`)
const ask = (type) => async (name) => {
    const answer = zone[`${type} ${name}`] ?? 'ENOTFOUND'
    if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
    return answer
}
const resolver = { resolveMx: ask('MX'), resolve4: ask('A'), resolve6: ask('AAAA') }
const is_home = home(['203.0.113.10'], () => ({ eth0: [{ address: '198.51.100.7' }, { address: '2001:db8::7' }] }))
const cards = () => ({ eth0: own.map((address) => ({ address })), lo: [{ address: '::1', internal: true }] })
route(domain, resolver)
    .then((found) => within_reach(elsewhere(found, domain, is_home), cards))
    .then((found) => found.map(({ exchange }) => exchange), ({ final, status }) => ({ final, status }))
    .then((said) => console.log(JSON.stringify(said)))
"""


def asked(zone: Zone, domain: str = "example.net", own: tuple[str, ...] = ("198.51.100.7", "2001:db8::7")) -> Any:
    facts = f"zone = {json.dumps(zone)}, domain = {json.dumps(domain)}, own = {json.dumps(own)}"
    return stands.javascript(f"const {facts}\n{ASK}")


def mx(*names: str) -> list[dict[str, object]]:
    return [{"exchange": name, "priority": 10 * n} for n, name in enumerate(names, 1)]


MX = {"MX example.net": mx("a.example.net", "b.example.net")}


def test_addresses_come_by_preference_and_ipv4_first_only_within_one() -> None:
    zone = {**MX, "AAAA a.example.net": ["2001:db8::1"], "A b.example.net": ["192.0.2.2"]}
    assert asked(zone) == ["2001:db8::1", "192.0.2.2"]
    assert asked({**zone, "A a.example.net": ["192.0.2.1"]}) == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]


@pytest.mark.parametrize("own", ["fd77:1:2::10", "fe80::1"])
def test_without_a_global_ipv6_address_only_ipv4_is_tried(own: str) -> None:
    zone = {**MX, "A a.example.net": ["192.0.2.1"], "AAAA a.example.net": ["2001:db8::1"]}
    only_ipv6_at_b = {**zone, "AAAA b.example.net": ["2001:db8::2"]}
    assert asked(only_ipv6_at_b, own=("203.0.113.10", own)) == ["192.0.2.1"]


def test_whose_servers_are_on_ipv6_alone_is_tried_all_the_same() -> None:
    zone = {**MX, "AAAA a.example.net": ["2001:db8::1"]}
    assert asked(zone, own=("203.0.113.10",)) == ["2001:db8::1"]


def test_a_domain_without_mx_is_its_own_server() -> None:
    assert asked({"MX example.net": "ENODATA", "A example.net": ["192.0.2.1"]}) == ["192.0.2.1"]


def test_an_address_in_brackets_is_where_it_says() -> None:
    assert asked({}, "[192.0.2.5]") == ["192.0.2.5"]
    assert asked({}, "[IPv6:2001:db8::5]") == ["2001:db8::5"]


@pytest.mark.parametrize(
    ("zone", "status"),
    [
        ({}, "5.1.2"),
        ({"MX example.net": [{"exchange": "", "priority": 0}]}, "5.1.10"),
        (MX, "5.1.2"),
    ],
    ids=["no such domain", "null MX", "no address for any MX"],
)
@attack(Kind.DNS, right="bounced at once", source="RFC 5321 5.1; RFC 7505 4.1")
def test_mail_that_can_go_nowhere_bounces(zone: Zone, status: str) -> None:
    assert asked(zone) == {"final": True, "status": status}


@pytest.mark.parametrize(
    "zone",
    [
        {"MX example.net": "ESERVFAIL"},
        {"MX example.net": "ENODATA", "A example.net": "ETIMEOUT"},
        {**MX, "A a.example.net": "ESERVFAIL"},
    ],
    ids=["of MX", "of the domain's address", "of one MX's address"],
)
@attack(Kind.DNS, right="queued, 4.4.3", source="RFC 5321 5.1")
def test_no_answer_means_later(zone: Zone) -> None:
    assert asked(zone) == {"final": False, "status": "4.4.3"}


@attack(Kind.DNS, right="the other server", source="RFC 5321 5.1")
def test_one_servers_missing_answer_does_not_matter_while_there_is_another() -> None:
    assert asked({**MX, "A a.example.net": "ESERVFAIL", "A b.example.net": ["192.0.2.2"]}) == ["192.0.2.2"]


@pytest.mark.parametrize("own", ["203.0.113.10", "198.51.100.7", "127.0.0.1", "0.0.0.0"])
@attack(Kind.DNS, right="never itself, nor a worse one", source="RFC 5321 5.1: no loops")
def test_only_servers_better_than_this_one_are_used(own: str) -> None:
    zone = {**MX, "A a.example.net": ["192.0.2.1"], "A b.example.net": [own]}
    assert asked(zone) == ["192.0.2.1"]
    assert asked({**zone, "A a.example.net": [own], "A b.example.net": ["192.0.2.1"]}) == {
        "final": True,
        "status": "5.4.6",
    }
