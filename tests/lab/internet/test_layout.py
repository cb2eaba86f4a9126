from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailnix import Internal, Proxy, Tunnel
from mailnix.errors import LabError
from mailnix.lab.internet.cards import far_nics
from mailnix.lab.internet.layout import layout
from mailnix.plan import Plan
from tests.lab.internet.places import in_every_place, planned


@in_every_place
def test_no_address_of_the_internets_is_anybody_elses(plan: Plan) -> None:
    found = layout(plan)
    theirs = {a for segment in found.segments for port in segment.ports for a in port.addresses} | {found.home.host4}
    ours = [interface.ip for segment in found.segments for interface in segment.addresses]
    ours += [interface.ip for interface in found.home.addresses]
    ours += [*found.resolvers, *(address for identity in found.identities for address in identity.addresses)]
    assert not theirs & set(ours)


@in_every_place
def test_machines_elsewhere_are_in_no_network_that_a_machine_believes_to_be_on(plan: Plan) -> None:
    found = layout(plan)
    near = [n for segment in found.segments for n in segment.networks]
    near += [found.home.net4, plan.tunnel4, plan.tunnel6, plan.internal.docker_subnet, plan.internal.docker_subnet6]
    near += [*([found.home.net6] if found.home.net6 else []), *(n for p in plan.proxies for n in p.private_networks)]
    for identity in found.identities:
        assert not [n for n in near for a in identity.addresses if a in n]


@in_every_place
def test_every_resolver_that_is_described_answers_where_it_is_asked(plan: Plan) -> None:
    found = layout(plan)
    home = {interface.ip for interface in found.home.addresses}
    bridges = {s.bridge: {interface.ip for interface in s.addresses} for s in found.segments}
    anywhere = {*found.resolvers, *home, *(a for bridge in bridges.values() for a in bridge)}
    for segment in found.segments:
        for port in segment.ports:
            for address in port.proxy.uplink.nameservers:
                asked = bridges[segment.bridge] if port.on_link(address) else anywhere
                assert address.is_loopback or address in asked
    for address in (*plan.internal.uplink.nameservers, *plan.internal.forwarders):
        assert address.is_loopback or address in (home if address in found.home.net4 else anywhere)


@in_every_place
def test_the_home_machine_has_its_gateway_and_its_address_as_described(plan: Plan) -> None:
    home, described = layout(plan).home, plan.internal.uplink
    assert home.gateway4 in {interface.ip for interface in home.addresses}
    assert home.lease == described.dhcp
    if not described.dhcp:
        assert (home.host4, home.gateway4) == (described.addresses[0].ip, described.gateway4)


@in_every_place
def test_every_link_has_two_ends_and_every_card_a_mac_of_its_own(plan: Plan) -> None:
    found = layout(plan)
    assert {far for _near, far in found.links} == {nic for host in plan.hosts for nic in far_nics(host)}
    assert all((near.link, near.machine, near.peer) == (far.link, far.peer, far.machine) for near, far in found.links)
    macs = [nic.mac for link in found.links for nic in link]
    assert len(set(macs)) == len(macs)


@pytest.mark.parametrize("address", ["198.51.100.25", "192.0.2.80", "198.18.0.10"])
def test_machines_outside_are_never_in_a_proxys_network(address: str) -> None:
    found = layout(planned(Proxy("one", ipv4=address)))
    assert not any(identity.ipv4 in net for identity in found.identities for net in found.segments[0].networks)


def test_a_home_of_the_tenth_net_is_as_large_as_that() -> None:
    home = layout(planned(Proxy("one", ipv4="203.0.113.10"), internal=Internal("internal", lan="10.0.0.0/8"))).home
    assert (str(home.net4), str(home.gateway4)) == ("10.0.0.0/8", "10.0.0.1")


def test_a_home_whose_machine_has_its_own_address_is_the_network_around_it() -> None:
    internal = Internal("internal", ipv4="10.7.0.20", prefix=16, gateway="10.7.255.254", nameservers=["10.7.0.53"])
    home = layout(planned(Proxy("one", ipv4="203.0.113.10"), internal=internal)).home
    assert (str(home.net4), str(home.gateway4), str(home.host4)) == ("10.7.0.0/16", "10.7.255.254", "10.7.0.20")
    assert [str(interface) for interface in home.addresses] == ["10.7.255.254/16", "10.7.0.53/32"]


def test_home_has_ipv6_where_the_tunnel_travels_by_it() -> None:
    proxy = Proxy("one", ipv4="203.0.113.10", ipv6="2001:db8:1::1")
    assert layout(planned(proxy)).home.net6 is None
    found = layout(planned(proxy, tunnel=Tunnel(over="ipv6"))).home
    assert found.net6 is not None
    assert found.gateway6 in found.net6


def test_one_address_at_home_and_on_a_proxys_card_is_more_than_the_lab_can_play() -> None:
    proxy = Proxy("one", ipv4="203.0.113.10", card_ipv4="10.0.0.9")
    internal = Internal("internal", ipv4="10.0.0.9", gateway="10.0.0.1", nameservers=["10.0.0.1"])
    with pytest.raises(LabError, match=r"10\.0\.0\.9"):
        layout(planned(proxy, internal=internal))


def test_private_networks_may_be_numbered_as_home_is() -> None:
    proxy = Proxy("one", ipv4="203.0.113.10", card="ens3", private_networks=["10.0.0.0/16"])
    found = layout(planned(proxy, internal=Internal("internal", lan="10.0.0.0/24")))
    assert [private.net4 for private in found.privates] == [ip_network("10.0.0.0/16")]
    assert found.home.gateway4 == found.privates[0].router4 == IPv4Address("10.0.0.1")


def test_the_home_network_is_the_one_that_is_given() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10"), internal=Internal("internal", lan="192.168.5.0/24")))
    assert found.home.net4 == ip_network("192.168.5.0/24")


def test_the_home_network_is_the_admins_where_only_that_is_known() -> None:
    internal = Internal("internal", lan_admin_cidrs=["192.168.6.0/24"])
    assert str(layout(planned(Proxy("one", ipv4="203.0.113.10"), internal=internal)).home.net4) == "192.168.6.0/24"


@given(st.sampled_from(["192.168.77.0/24", "172.29.0.0/16", "10.0.0.0/24", "10.177.0.0/16"]))
def test_the_home_network_meets_no_network_of_the_plan(subnet: str) -> None:
    home = layout(planned(Proxy("one", ipv4="203.0.113.10"), tunnel=Tunnel(subnet=subnet))).home
    assert not home.net4.overlaps(ip_network(subnet))


def test_the_remote_mail_domain_is_another_one_where_the_plan_has_its_name() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10"), domain="sub.elsewhere.test"))
    assert found.domain == "far-away.test"
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", endpoint="home.elsewhere.test")))
    assert found.domain == "far-away.test"


def test_an_error_names_what_is_taken() -> None:
    proxies = [
        Proxy(f"p{number}", ipv4=address)
        for number, address in enumerate(["198.51.100.1", "192.0.2.1", "203.0.113.1", "198.18.0.1", "198.19.77.1"])
    ]
    with pytest.raises(LabError, match="machines outside"):
        layout(planned(*proxies))
