"""Servers are found by what people write, and by who answers for a name."""

from __future__ import annotations

import pytest

from mailnix import resolve
from mailnix.errors import ResolveError
from mailnix.resolve import Absent, Answer, Ask, Authorities, Found, Server, Unasked, Zone
from tests.resolve.network import HERE, Network


def known(answers: dict[tuple[str, str], Answer]) -> Ask:
    return lambda name, kind: answers.get((name, kind), Absent(exists=False))


def test_the_authorities_of_a_name_are_those_of_the_zone_that_it_is_in() -> None:
    counted: list[str] = []
    inner = known(
        {
            ("example.org", "NS"): Found(("ns1.host.net.", "ns2.host.net.")),
            ("mta-sts.example.org", "NS"): Found(("ns.elsewhere.net.",), aliases=("web.elsewhere.net",)),
            ("ns1.host.net", "A"): Found(("192.0.2.1",)),
            ("ns1.host.net", "AAAA"): Found(("2001:db8::1",)),
            ("ns2.host.net", "A"): Unasked("lost"),
        }
    )

    def ask(name: str, kind: str, /) -> Answer:
        counted.append(f"{name} {kind}")
        return inner(name, kind)

    authorities = Authorities(ask)
    expected = Zone("example.org", (Server("ns1.host.net", ("192.0.2.1", "2001:db8::1")), Server("ns2.host.net", ())))
    for name in ("a.b.example.org", "example.org", "mta-sts.example.org", "b.example.org"):
        assert authorities.of(name) == expected
    assert len(counted) == len(set(counted))


def test_authorities_that_could_not_be_asked_for_are_not_the_parents() -> None:
    ask = known({("example.org", "NS"): Unasked("lost"), ("org", "NS"): Found(("a0.org.",))})
    assert Authorities(ask).of("mail.example.org") == Unasked("lost")


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("ns.example.org:5353", "192.0.2.9", 5353),
    ],
)
def test_a_server_is_given_by_address_or_name(text: str, address: str, port: int) -> None:
    ask = known({("ns.example.org", "A"): Found(("192.0.2.9",))})
    assert resolve.server(text, ask) == Server(text, (address,), port)


@pytest.mark.parametrize("text", ["ns.nowhere.example", "192.0.2.1:dns", "192.0.2.1:0", "192.0.2.1:70000", ""])
def test_a_server_that_nobody_can_find_is_an_error(text: str) -> None:
    with pytest.raises(ResolveError):
        resolve.server(text, known({}))


def test_a_server_whose_name_cannot_be_one_is_told_in_words() -> None:
    with pytest.raises(ResolveError, match=r"no address of the DNS server 'a\.\.b'"):
        resolve.server("a..b", resolve.recursive(HERE, Network([])))
