"""Relay hosts and transports of a Mailcow, as relays."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Relay
from mailnix.adopt import Adopted, Existing, adopted
from mailnix.adopt.existing import rows
from mailnix.adopt.relays import AHEAD
from mailnix.config import load
from tests.adopt.conftest import ANSWERS, HOST

HOST_3 = {"id": 3, "hostname": "[smtp.relay.example]:587", "username": "me", "active": 1}
TRANSPORT = {"destination": "outlook.com", "nexthop": "[smtp.other.example]:465", "username": "you", "active": "1"}


def made(*, of: tuple[int, ...] = (), hosts: tuple[Any, ...] = (), transports: tuple[Any, ...] = ()) -> Adopted:
    """Of a Mailcow with two domains, whose relay hosts are `of`."""
    numbers = dict(zip(("example.org", "example.net"), (*of, 0, 0), strict=False))
    domains = rows({"domain_name": name, "relayhost": str(number)} for name, number in numbers.items())
    boxes = rows({"username": f"me@{name}", "local_part": "me", "domain": name, "quota": 2**30} for name in numbers)
    held: dict[str, Any] = {
        "domains": domains,
        "mailboxes": boxes,
        "relayhosts": rows(hosts),
        "transports": rows(transports),
    }
    return adopted(Existing("x", HOST, **held), ANSWERS)


def test_the_relay_host_of_all_domains_is_a_relay_for_all_mail() -> None:
    found = made(of=(3, 3), hosts=(HOST_3,))
    assert found.topology.relays == (Relay("smtp.relay.example", user="me"),)
    assert f"relay host [smtp.relay.example]:587: is a relay here; {AHEAD}" in found.notes


def test_that_of_one_domain_is_none_and_said_of_it() -> None:
    found = made(of=(3, 0), hosts=(HOST_3,))
    assert found.topology.relays == ()
    assert "its mail leaves by the relay host [smtp.relay.example]:587; described, by the proxy" in found.notes


def test_transports_by_one_server_are_one_relay() -> None:
    found = made(transports=(TRANSPORT, {**TRANSPORT, "destination": "hotmail.com"}))
    relay = Relay("smtp.other.example", user="you", domains=["outlook.com", "hotmail.com"], port=465)
    assert found.topology.relays == (relay,)


@pytest.mark.parametrize(
    ("nexthop", "port"), [("smtp.other.example", 25), ("[smtp.other.example]", 25), ("smtp.other.example:2525", 2525)]
)
def test_a_server_is_read_as_postfix_reads_it(nexthop: str, port: int) -> None:
    (relay,) = made(transports=({**TRANSPORT, "nexthop": nexthop},)).topology.relays
    assert (relay.host, relay.port) == ("smtp.other.example", port)


@pytest.mark.parametrize(
    "changed",
    [
        {"active": 0},
        {"destination": ".outlook.com"},
        {"destination": "somebody@outlook.com"},
        {"destination": r"^mx\.", "is_mx_based": 1},
        {"destination": "example.org"},
        {"nexthop": "[192.0.2.7]:25"},
        {"nexthop": "[2001:db8::1]:25"},
        {"nexthop": f"[{HOST}]:25"},
        {"nexthop": "[smtp.other.example]:99999"},
        {"nexthop": "x\ny"},
    ],
    ids=str,
)
def test_what_is_no_relay_of_ours_is_a_comment(changed: dict[str, Any]) -> None:
    found = made(transports=({**TRANSPORT, **changed},))
    assert found.topology.relays == ()
    assert [note for note in found.notes if "is no relay here" in note] != []


def test_a_transport_for_everything_is_a_relay_for_all_mail() -> None:
    assert made(transports=({**TRANSPORT, "destination": "*"},)).topology.relays == (
        Relay("smtp.other.example", user="you", port=465),
    )


def test_two_for_the_same_are_one_and_a_comment() -> None:
    twice = ({**TRANSPORT, "destination": "*"}, {**TRANSPORT, "destination": "*", "nexthop": "[smtp.x.example]:587"})
    found = made(transports=twice)
    assert len(found.topology.relays) == 1
    assert "smtp.x.example is no relay here" in " ".join(found.notes)


def test_the_script_has_them(tmp_path: Any) -> None:
    found = made(of=(3, 3), hosts=(HOST_3,), transports=(TRANSPORT,))
    file = tmp_path / "mail.py"
    file.write_text(found.text)
    assert load(file) == found.topology
