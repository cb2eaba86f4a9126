"""The programs of the router that plays all places."""

from __future__ import annotations

import json
import smtplib
import socket
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from mailnix.lab.places.guest import advertise, ports, sink
from rig.servers import running

PREFIX = IPv6Network("2001:db8:1::/64")
HEAD = 16
PREFIX_OPTION = 32


def test_a_prefix_makes_addresses_only_where_it_is_autonomous() -> None:
    flags = [advertise.message(PREFIX, words)[HEAD + 3] for words in ((), ("autonomous",))]
    assert flags == [0x80, 0xC0]


def test_the_prefix_is_said_whole() -> None:
    option = advertise.message(PREFIX, ())[HEAD:]
    assert len(option) == PREFIX_OPTION
    assert (option[0], option[1], option[2]) == (3, 4, 64)
    assert option[16:] == PREFIX.network_address.packed


def test_hosts_are_sent_to_dhcpv6_where_addresses_are_managed() -> None:
    assert advertise.message(PREFIX, ())[5] == 0
    assert advertise.message(PREFIX, ("managed",))[5] == 0x80


def test_who_is_no_router_says_a_lifetime_of_zero() -> None:
    assert advertise.message(PREFIX, ("no-router",))[6:8] == b"\0\0"
    assert advertise.message(PREFIX, ())[6:8] != b"\0\0"


def test_resolvers_follow_the_prefix() -> None:
    option = advertise.message(PREFIX, ("2001:db8:1::53", "2001:db8:1::54"))[HEAD + PREFIX_OPTION :]
    assert (option[0], option[1], len(option)) == (25, 5, 40)


@pytest.fixture
def server(tmp_path: Path) -> sink.Server:
    sink.Session.file = tmp_path / "mails"
    return sink.Server(("::", 0), sink.Session)


def test_the_sink_writes_down_who_brought_a_mail_and_for_whom(server: sink.Server) -> None:
    with running(server) as port, smtplib.SMTP("127.0.0.1", port, timeout=10) as mail:
        mail.sendmail("alice@example.org", ["a@four.test", "b@four.test"], "Subject: x\r\n\r\nx\r\n")
    noted = [json.loads(line) for line in sink.Session.file.read_text().splitlines()]
    assert noted == [{"to": f"{who}@four.test", "from": "127.0.0.1"} for who in "ab"]


def test_a_port_that_takes_connections_is_open_and_others_are_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        asked = [there.getsockname()[1], nobody.getsockname()[1]]
        assert ports.answering("127.0.0.1", "127.0.0.1", asked) == ({asked[0]}, 2)


def test_nothing_is_tried_from_an_address_that_is_not_here() -> None:
    with pytest.raises(OSError, match="assign"):
        ports.answering("192.0.2.1", "127.0.0.1", [22])
