"""A real resolver and a real authority are asked over a real network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import resolve
from mailnix.resolve import Absent, Authorities, Found, Server, Unasked, Zone
from rig import signed_dns
from rig.waiting import free_net


@pytest.fixture(scope="module")
def small_internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A validating unbound, and the authority that it asks."""
    if why := signed_dns.missing():
        pytest.skip(why)
    net = free_net()
    long = " ".join(f'"{"x" * 250}{number}"' for number in range(8))
    records = [
        "mail.example. 60 IN A 203.0.113.10",
        "www.example. 60 IN CNAME mail.example.",
        f"long.example. 60 IN TXT {long}",
        "broken.example. 60 IN A 203.0.113.11",
    ]
    authority = signed_dns.authority(f"{net}.54", records, broken=["broken.example."])
    authority.open()
    folder: Path = tmp_path_factory.mktemp("dns") / "unbound"
    try:
        with signed_dns.resolver(folder, f"{net}.53", authority) as unbound:
            yield Server("unbound", (unbound.address,)), Server("ns", (authority.address,))
    finally:
        authority.close()


def test_real_servers_answer(small_internet: tuple[Server, Server]) -> None:
    ask, its_authority = resolve.recursive(small_internet[0]), resolve.authoritative(small_internet[1])
    answers = resolve.together(ask, [("mail.example", "A"), ("www.example", "A"), ("gone", "A")])
    assert answers["mail.example", "A"] == Found(("203.0.113.10",), ttl=60, authenticated=True)
    assert answers["www.example", "A"] == Found(("203.0.113.10",), ("mail.example",), 60, authenticated=True)
    assert answers["gone", "A"] == Absent(exists=False, authenticated=True)
    assert its_authority("mail.example", "A") == Found(("203.0.113.10",), ttl=60)
    assert Authorities(ask).of("mail.example") == Zone("", (Server("ns", small_internet[1].addresses),))


def test_an_answer_too_long_for_a_packet_comes_over_tcp(small_internet: tuple[Server, Server]) -> None:
    for ask in (resolve.recursive(small_internet[0]), resolve.authoritative(small_internet[1])):
        answer = ask("long.example", "TXT")
        assert isinstance(answer, Found)
        assert len(resolve.text_of(answer.records[0])) > resolve.PAYLOAD


def test_a_signature_that_does_not_hold_is_no_absence(small_internet: tuple[Server, Server]) -> None:
    answer = resolve.recursive(small_internet[0])("broken.example", "A")
    assert isinstance(answer, Unasked)
    assert answer.rcode == "SERVFAIL"
