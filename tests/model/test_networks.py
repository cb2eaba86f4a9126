"""The tunnel's subnet is nobody else's: chosen so, or an error where the description shows it."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import attrs
import pytest

from mailnix import Internal, Proxy, Topology, Tunnel
from mailnix.errors import Problem, Severity
from mailnix.model.check import problems
from mailnix.model.networks import TUNNELS, tunnel_subnet
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, sound

USED_BY_OTHERS = {
    "cable routers, Oracle's and Hetzner's clouds": "10.0.0.0/16",
    "cable routers' second network": "10.0.1.0/24",
    "Google's clouds": "10.128.0.0/9",
    "Kubernetes' services": "10.96.0.0/12",
    "k3s": "10.42.0.0/15",
    "OpenVPN": "10.8.0.0/24",
    "podman": "10.88.0.0/15",
    "Docker's first networks": "172.17.0.0/16",
    "Docker's others, Mailcow's among them": "172.18.0.0/15",
    "Amazon's clouds": "172.31.0.0/16",
    "home routers": "192.168.0.0/22",
    "FRITZ!Box": "192.168.178.0/24",
    "libvirt": "192.168.122.0/24",
}


def at_home(**changed: Any) -> Topology:
    return sound(internal=Internal("internal", **changed))


def at_a_provider(**changed: Any) -> Topology:
    return sound(proxies=[Proxy("proxy", PUBLIC4, **changed)])


def of(topology: Topology, severity: Severity = Severity.ERROR) -> dict[str, Problem]:
    return {problem.path: problem for problem in problems(topology) if problem.severity is severity}


@pytest.mark.parametrize("network", USED_BY_OTHERS.values(), ids=USED_BY_OTHERS.keys())
def test_the_default_is_a_network_that_neither_clouds_nor_home_routers_use(network: str) -> None:
    assert not tunnel_subnet(sound()).overlaps(IPv4Network(network))


def test_a_subnet_that_is_written_stays() -> None:
    assert derive(sound(tunnel=Tunnel("10.0.0.0/24"))).tunnel4 == IPv4Network("10.0.0.0/24")
    assert str(derive(sound(tunnel=Tunnel("10.0.0.0/24"))).tunnels[0].proxy.ipv4) == "10.0.0.1"


AROUND = {
    "a home network of all of ten": at_home(lan="10.0.0.0/8"),
    "a static address in one": at_home(ipv4="10.83.0.7", prefix=8, gateway="10.0.0.1", nameservers=["10.0.0.1"]),
    "a home network by who may log in": at_home(lan_admin_cidrs=["10.83.119.0/24"]),
    "a resolver for Mailcow": at_home(forwarders=["10.83.119.53"]),
    "Mailcow's containers": at_home(docker_subnet="10.83.119.0/24"),
    "a provider's private network": at_a_provider(private_networks=["10.80.0.0/12"]),
    "a second address": at_a_provider(extra_addresses=["10.83.7.7/16"]),
    "a card behind the provider's NAT": at_a_provider(card_ipv4="10.83.119.4"),
    "a private gateway outside": at_a_provider(gateway="10.83.119.1", nameservers=["9.9.9.9"]),
    "an endpoint in a private network": at_a_provider(endpoint="10.83.119.200"),
    "who may log in to the proxy": at_a_provider(admin_cidrs=["10.83.119.9"]),
}


@pytest.mark.parametrize("topology", AROUND.values(), ids=AROUND.keys())
def test_the_default_makes_room_for_what_is_described(topology: Topology) -> None:
    assert of(topology) == {}
    assert str(derive(topology).tunnel4) == TUNNELS[1]


def test_a_home_of_all_of_ten_keeps_its_router_without_anybody_writing_a_subnet() -> None:
    plan = derive(at_home(lan="10.0.0.0/8"))
    ours = {plan.internal.ipv4, plan.proxies[0].tunnel.proxy.ipv4}
    assert not any(address in IPv4Network("10.0.0.0/8") for address in ours)


def test_who_may_log_in_from_any_home_network_says_nothing_about_this_one() -> None:
    assert str(tunnel_subnet(at_home(lan_admin_cidrs=["10.0.0.0/8", "192.168.0.0/16"]))) == TUNNELS[0]


def test_where_nothing_private_is_left_carriers_addresses_serve() -> None:
    topology = sound(
        internal=Internal("internal", lan="10.0.0.0/8", docker_subnet="100.64.1.0/24"),
        proxies=[Proxy("proxy", PUBLIC4, private_networks=["172.16.0.0/12", "192.168.0.0/16"])],
    )
    assert of(topology) == {}
    assert str(tunnel_subnet(topology)) == TUNNELS[-1]


def test_where_nothing_at_all_is_left_the_check_says_what_is_in_the_way() -> None:
    everything = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
    found = of(at_a_provider(private_networks=everything))
    assert "proxies[0].private_networks[3]" in found["tunnel.subnet"].message
    assert TUNNELS[0] in found["tunnel.subnet"].message
    assert "tunnel=Tunnel(subnet=" in found["tunnel.subnet"].hint


TEN: Any = Tunnel("10.0.0.0/24")
SIX: Any = Tunnel(subnet6="fd00:6::/64")
CLASHES: dict[str, tuple[Topology, str]] = {
    "the home network": (at_home(lan="10.0.0.0/8"), "internal.lan"),
    "the home machine's address": (at_home(ipv4="10.0.0.9", gateway="10.0.0.1"), "internal.ipv4"),
    "the home router alone": (at_home(ipv4="10.9.0.9", gateway="10.0.0.1", prefix=32), "internal.gateway"),
    "who may log in at home": (at_home(lan_admin_cidrs=["10.0.0.0/24"]), "internal.lan_admin_cidrs[0]"),
    "Docker": (at_home(docker_subnet="10.0.0.0/24"), "internal.docker_subnet"),
    "a provider's network": (
        at_a_provider(private_networks=["192.168.1.0/24", "10.0.0.0/16"]),
        "proxies[0].private_networks[1]",
    ),
    "a second address": (at_a_provider(extra_addresses=["10.0.0.7/16"]), "proxies[0].extra_addresses[0]"),
    "the card's address": (at_a_provider(card_ipv4="10.0.0.55"), "proxies[0].card_ipv4"),
    "the provider's router": (
        at_a_provider(card_ipv4="10.1.0.55", gateway="10.0.0.1", nameservers=["9.9.9.9"]),
        "proxies[0].gateway",
    ),
    "a resolver": (at_a_provider(nameservers=["10.0.0.2"]), "proxies[0].nameservers[0]"),
}


@pytest.mark.parametrize("case", CLASHES.values(), ids=CLASHES.keys())
def test_a_written_subnet_that_is_somebody_elses_is_an_error_with_the_way_out(case: tuple[Topology, str]) -> None:
    topology, path = case
    found = of(attrs.evolve(topology, tunnel=TEN))[path]
    assert "overlaps tunnel.subnet (10.0.0.0/24)" in found.message
    assert found.hint.startswith("leave tunnel.subnet out for ")


@pytest.mark.parametrize(
    ("topology", "path"),
    [
        (at_home(lan="fd00::/16"), "internal.lan"),
        (at_home(lan_admin_cidrs=["fd00:6::/56"]), "internal.lan_admin_cidrs[0]"),
        (at_home(docker_subnet6="fd00:6::/64"), "internal.docker_subnet6"),
        (at_a_provider(private_networks=["fd00:6::/48"]), "proxies[0].private_networks[0]"),
        (at_a_provider(extra_addresses=["fd00:6::9/64"]), "proxies[0].extra_addresses[0]"),
    ],
)
def test_so_is_one_of_ipv6(topology: Topology, path: str) -> None:
    assert "overlaps tunnel.subnet6" in of(attrs.evolve(topology, tunnel=SIX))[path].message


def test_who_may_log_in_to_a_proxy_is_a_hint_at_most() -> None:
    around = attrs.evolve(at_a_provider(admin_cidrs=["10.0.0.0/16"]), tunnel=TEN)
    assert of(around) == {}
    assert "proxies[0].admin_cidrs[0]" in of(around, Severity.WARNING)
    through_the_tunnel = attrs.evolve(at_a_provider(admin_cidrs=["10.0.0.0/24", "10.0.0.2"]), tunnel=TEN)
    assert not [path for path in of(through_the_tunnel, Severity.WARNING) if "admin_cidrs" in path]


def test_dockers_networks_are_compared_with_the_homes_alone_and_a_free_one_is_named() -> None:
    assert of(at_a_provider(private_networks=["172.16.0.0/12", "fd4d::/16"])) == {}
    found = of(at_home(lan="172.16.0.0/12"))
    assert 'write docker_subnet="10.219.83.0/24"' in found["internal.lan"].hint
    assert of(at_home(lan="172.16.0.0/12", docker_subnet="10.219.83.0/24")) == {}


def test_public_networks_are_in_nobodys_way() -> None:
    assert of(at_a_provider(gateway="5.9.100.2", prefix=24, nameservers=["9.9.9.9"], admin_cidrs=["5.9.0.0/16"])) == {}


@pytest.mark.parametrize("text", ["banana", "", "10.0.0.0/40", "10.0.0.0/16, 10.1.0.0/16", "0.0.0.0/0", "::/0"])
def test_a_providers_network_that_is_none_is_an_error_where_it_is_written(text: str) -> None:
    found = of(at_a_provider(private_networks=["10.0.0.0/16", text]))["proxies[0].private_networks[1]"]
    assert (found.severity, bool(found.hint)) == (Severity.ERROR, True)


SCOPED = "fd00:5::%eth0/64"


@pytest.mark.parametrize(
    ("topology", "path"),
    [
        (at_a_provider(admin_cidrs=["fe80::1%eth0"]), "proxies[0].admin_cidrs[0]"),
        (at_a_provider(private_networks=[SCOPED]), "proxies[0].private_networks[0]"),
        (at_home(lan_admin_cidrs=["fe80::%enp1s0/10"]), "internal.lan_admin_cidrs[0]"),
        (at_home(lan=SCOPED), "internal.lan"),
        (at_home(docker_subnet6=SCOPED), "internal.docker_subnet6"),
        (sound(tunnel=Tunnel(subnet6=SCOPED)), "tunnel.subnet6"),
    ],
)
def test_a_network_names_no_interface(topology: Topology, path: str) -> None:
    """nft(8) knows no such text: the machine would come up without its firewall."""
    assert of(topology)[path].severity is Severity.ERROR
