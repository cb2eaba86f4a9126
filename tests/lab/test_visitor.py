"""Two visitors whose cables end in each other: what they say to each other is real packets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from mailnix.lab import visitor
from mailnix.lab.internet.layout import layout
from mailnix.lab.visitor import Guest, Network
from mailnix.plan import derive
from mailnix.run import run
from tests.descriptions import sound

ONE = Guest(IPv4Address("192.0.2.1"), IPv6Address("fd00::1"), IPv4Address("192.0.2.2"), IPv6Address("fd00::2"))
OTHER = Guest(IPv4Address("192.0.2.2"), IPv6Address("fd00::2"), IPv4Address("192.0.2.1"), IPv6Address("fd00::1"))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, Network]]:
    if reason := visitor.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("cable")
    ends = (folder / "one", folder / "other")
    with ExitStack() as stack:
        networks = []
        for who, near, far in ((ONE, ends[0], ends[1]), (OTHER, ends[1], ends[0])):
            inside = stack.enter_context(visitor.network())
            stack.enter_context(visitor.card(inside, who, near, far))
            networks.append(inside)
        yield networks[0], networks[1]


def greeting(inside: Network, server: socket.socket, address: str) -> bytes:
    """What somebody hears who connects from another network."""

    def connect() -> bytes:
        with socket.create_connection((address, server.getsockname()[1]), 10) as client:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"hello" * 1000)
            return b"".join(iter(lambda: client.recv(65536), b""))

    return inside.do(connect)


@pytest.mark.parametrize(("family", "who"), [(socket.AF_INET, ONE.ipv4), (socket.AF_INET6, ONE.ipv6)])
def test_a_visitor_is_reached_at_its_address(both: tuple[Network, Network], family: int, who: Any) -> None:
    one, other = both
    with one.do(lambda: socket.create_server((str(who), 0), family=family)) as server:
        assert greeting(other, server, str(who)) == b"hello" * 1000


def test_a_visitor_sees_nothing_of_this_machine(both: tuple[Network, Network]) -> None:
    one, _other = both
    with socket.create_server(("127.0.0.1", 0)) as outside, pytest.raises(ConnectionRefusedError):
        one.do(lambda: socket.create_connection(outside.getsockname(), 5))


@define
class Qemu:
    """Takes commands of its control protocol."""

    said: list[tuple[str, Any]] = field(factory=list)

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        self.said.append((command, arguments))


def test_the_internet_gets_a_card_whose_cable_ends_here() -> None:
    qemu = Qemu()
    visitor.plug(qemu, "visitor", local=Path("/s/internet"), remote=Path("/s/here"))
    (cable, ends), (card, device) = qemu.said
    assert (cable, card) == ("netdev_add", "device_add")
    assert (ends["local"]["path"], ends["remote"]["path"]) == ("/s/internet", "/s/here")
    assert device["netdev"] == ends["id"]
    assert device["mac"] in visitor.FIND


RENAMED = """\
mount -t sysfs sysfs /sys
ip tuntap add dev eth0 mode tap
ip link set eth0 address {mac}
udevadm() { ip link set eth0 name ens9; }
{find}
ip -o address show dev ens9
"""
"""A machine whose udev gives a new card its own name when it comes to it."""


def test_the_internet_uses_its_new_card_by_the_name_that_it_keeps() -> None:
    if reason := visitor.missing():
        pytest.skip(reason)
    find = visitor.FIND.format(ipv4=ONE.ipv4, ipv6=ONE.ipv6)
    script = RENAMED.replace("{mac}", visitor.MAC).replace("{find}", find)
    said = run(["unshare", "--net", "--mount", "sh", "-ec", script]).stdout
    assert f"inet6 {visitor.ROUTER6}/64" in said


def test_nobody_of_the_internet_has_the_visitors_address() -> None:
    found = layout(derive(sound()))
    who = visitor.guest(found)
    taken = {address for identity in found.identities for address in identity.addresses}
    assert not {who.ipv4, who.ipv6} & taken
    assert who.router4 == found.dns.ipv4
