"""How the tunnel travels: what a port, an MTU, a family and an endpoint may be."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from mailnix import Internal, Proxy, Tunnel
from mailnix.errors import Problem, Severity
from mailnix.model import Family, Topology, wireguard
from mailnix.model.check import problems
from mailnix.model.checks.tunnel import MTU_MIN
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, PUBLIC6, sound


def dialling(endpoint: Any, over: Any = "ipv4", **changed: Any) -> Topology:
    proxy = Proxy(**{"name": "proxy", "ipv4": PUBLIC4, "ipv6": PUBLIC6, "endpoint": endpoint, **changed})
    return sound(proxies=[proxy], tunnel=Tunnel(over=over))


def by_path(topology: Topology) -> dict[str, Problem]:
    return {problem.path: problem for problem in problems(topology)}


@pytest.mark.parametrize("port", [22, 25, 80, 443, 465, 587, 993, 2526, 4500, 51820])
def test_a_port_that_only_tcp_has_is_free_for_the_tunnel(port: int) -> None:
    topology = sound(tunnel=Tunnel(port=port))
    assert problems(topology) == ()
    assert derive(topology).tunnels[0].dialled == f"{PUBLIC4}:{port}"


@pytest.mark.parametrize(
    ("port", "who"), [(53, "resolver"), (68, "DHCP"), (123, "time"), (546, "DHCPv6"), (0, "UDP"), (65536, "UDP")]
)
def test_a_port_that_udp_has_is_refused_with_who_has_it(port: int, who: str) -> None:
    assert who in by_path(sound(tunnel=Tunnel(port=port)))["tunnel.port"].message


@pytest.mark.parametrize(("over", "whole"), [("ipv4", 1440), ("ipv6", 1420)])
def test_a_packet_in_two_pieces_is_reckoned_with_the_headers_of_the_family(over: Any, whole: int) -> None:
    assert problems(sound(tunnel=Tunnel(over=over, mtu=whole))) == ()
    found = by_path(sound(tunnel=Tunnel(over=over, mtu=whole + 1)))["tunnel.mtu"]
    assert (found.severity, found.hint) == (Severity.WARNING, f"use at most {whole}")


def test_the_default_mtu_fits_ethernet_over_both_families() -> None:
    assert all(Tunnel().mtu <= wireguard.mtu(wireguard.ETHERNET, family) for family in Family)
    assert wireguard.mtu(wireguard.ETHERNET, Family.IPV6) >= MTU_MIN


def test_over_ipv6_home_dials_the_proxys_ipv6_address() -> None:
    topology = sound(tunnel=Tunnel(over=Family.IPV6))
    assert problems(topology) == ()
    assert derive(topology).tunnels[0].dialled == f"[{PUBLIC6}]:51820"


@pytest.mark.parametrize("word", ["v6", "6", "IPv6", "both", "", 6, None])
def test_a_wrong_family_is_named_with_the_right_ones(word: Any) -> None:
    message = by_path(sound(tunnel=Tunnel(over=word)))["tunnel.over"].message
    assert "'ipv4' or 'ipv6'" in message


def test_over_ipv6_every_proxy_needs_an_address_there() -> None:
    proxies = [Proxy("p", PUBLIC4, PUBLIC6, "mx1.example.org"), Proxy("q", "5.9.100.2", hostname="mx2.example.org")]
    found = by_path(sound(proxies=proxies, tunnel=Tunnel(over=Family.IPV6)))
    assert set(found) == {"proxies[1].ipv6"}
    assert "the tunnel goes over IPv6" in found["proxies[1].ipv6"].message


@pytest.mark.parametrize("endpoint", ["2a01:4f8:10::9", "vpn.example.net"])
def test_over_ipv6_an_endpoint_does_not_stand_for_the_address(endpoint: str) -> None:
    """A proxy takes no address that it does not describe, so it would be reached through something else alone."""
    found = by_path(dialling(endpoint, "ipv6", ipv6=None))["proxies[0].endpoint"]
    assert (found.severity, "has no IPv6 address" in found.message) == (Severity.WARNING, True)
    assert problems(dialling(endpoint, "ipv6")) == ()
    assert "endpoint" not in str(by_path(sound(proxies=[Proxy("p", PUBLIC4)], tunnel=Tunnel(over=Family.IPV6))))


def test_over_ipv6_a_private_network_may_carry_the_tunnel() -> None:
    described = dialling("fd00:1::7", "ipv6", ipv6=None, extra_addresses=["fd00:1::7/64"])
    assert "not reached over the internet" in by_path(described)["proxies[0].endpoint"].message


FINE = {
    "a name": ("vpn.example.net", "ipv4", "vpn.example.net:51820"),
    "a name in capitals": ("VPN.Example.NET.", "ipv4", "vpn.example.net:51820"),
    "an IDN name": ("vpn.bücher.example.com", "ipv4", "vpn.xn--bcher-kva.example.com:51820"),
    "a name for IPv6": ("vpn.example.net", "ipv6", "vpn.example.net:51820"),
    "the proxy's own name": ("mail.example.org", "ipv4", "mail.example.org:51820"),
    "another address": ("5.9.100.77", "ipv4", "5.9.100.77:51820"),
    "an address as a value": (IPv4Address("5.9.100.77"), "ipv4", "5.9.100.77:51820"),
    "an IPv6 address": ("2A01:4F8:10::77", "ipv6", "[2a01:4f8:10::77]:51820"),
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE.keys())
def test_an_endpoint_may_be_a_name_or_an_address(case: tuple[Any, str, str]) -> None:
    endpoint, over, dialled = case
    topology = dialling(endpoint, over)
    assert problems(topology) == ()
    assert derive(topology).tunnels[0].dialled == dialled


WRONG = {
    "a name with a port": ("vpn.example.net:51820", "ipv4", 'write "vpn.example.net"'),
    "an address with a port": ("5.9.100.77:51820", "ipv4", 'write "5.9.100.77"'),
    "an IPv6 address in brackets": ("[2a01:4f8::7]", "ipv6", 'write "2a01:4f8::7"'),
    "an IPv6 address with a port": ("[2a01:4f8::7]:443", "ipv6", 'write "2a01:4f8::7"'),
    "a URL": ("https://vpn.example.net/", "ipv4", "vpn.example.net"),
    "a name without a dot": ("router", "ipv4", "no dot"),
    "nothing": ("", "ipv4", "missing"),
    "an address that is none": ("5.9.100.777", "ipv4", "is an address"),
    "a network": ("5.9.100.0/24", "ipv4", "5.9.100.0/24"),
    "the other family": ("2a01:4f8::7", "ipv4", 'Tunnel(over="ipv6")'),
    "the other family again": ("5.9.100.77", "ipv6", 'Tunnel(over="ipv4")'),
    "loopback": ("127.0.0.1", "ipv4", "loopback"),
    "link-local": ("fe80::1", "ipv6", "link-local"),
    "an address with an interface": ("2a01:4f8::7%eth0", "ipv6", "leave out what follows the %"),
    "multicast": ("224.0.0.1", "ipv4", "multicast"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_anything_else_is_an_error_that_says_what_to_write(case: tuple[str, str, str]) -> None:
    endpoint, over, words = case
    found = by_path(dialling(endpoint, over))["proxies[0].endpoint"]
    assert found.severity is Severity.ERROR
    assert words in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("192.168.7.7", "private"),
        ("100.64.7.7", "carrier-grade NAT"),
        ("203.0.113.9", "examples"),
        ("vpn.example.org", "not among the records"),
        ("example.org", "not among the records"),
    ],
)
def test_what_only_its_owner_can_judge_is_a_warning(endpoint: str, words: str) -> None:
    found = by_path(dialling(endpoint))["proxies[0].endpoint"]
    assert found.severity is Severity.WARNING
    assert words in found.message


def test_a_name_of_ours_without_ipv6_cannot_be_dialled_over_it() -> None:
    found = by_path(dialling("mail.example.org", "ipv6", ipv6=None))
    assert "has no IPv6 address" in found["proxies[0].endpoint"].message


def test_two_proxies_are_not_dialled_at_one_endpoint() -> None:
    def pair(first: str | None, second: str | None) -> dict[str, Problem]:
        proxies = [
            Proxy("p", PUBLIC4, hostname="mx1.example.org", endpoint=first),
            Proxy("q", "5.9.100.2", hostname="mx2.example.org", endpoint=second),
        ]
        return by_path(sound(proxies=proxies))

    assert pair(None, None) == {}
    assert pair("mx1.example.org", "mx2.example.org") == {}
    assert "already" in pair("vpn.example.net", "vpn.example.net")["proxies[1].endpoint"].message
    assert "already" in pair(None, PUBLIC4)["proxies[1].endpoint"].message
    assert "another proxy's" in pair("mx2.example.org", None)["proxies[0].endpoint"].message
    assert "every proxy" in pair("mail.example.org", None)["proxies[0].endpoint"].message


def test_an_endpoint_within_the_tunnel_itself_is_an_error() -> None:
    topology = sound(
        proxies=[Proxy("proxy", PUBLIC4, endpoint="10.7.0.1")],
        internal=Internal("internal"),
        tunnel=Tunnel("10.7.0.0/24"),
    )
    found = [problem for problem in problems(topology) if problem.severity is Severity.ERROR]
    assert [problem.path for problem in found] == ["proxies[0].endpoint"]
    assert "overlaps tunnel.subnet" in found[0].message


@pytest.mark.parametrize(("keepalive", "stale"), [(25, 180), (1, 180), (120, 250), (600, 730)])
def test_a_tunnel_is_down_when_a_handshake_is_overdue_not_when_one_is_old(keepalive: int, stale: int) -> None:
    assert wireguard.stale_after(keepalive) == stale
