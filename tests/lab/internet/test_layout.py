from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailnix import Domain, Internal, Proxy, Topology, Tunnel
from mailnix.errors import LabError
from mailnix.lab.internet.layout import far_nics, layout
from mailnix.plan import Plan, derive


def planned(
    *proxies: Proxy, internal: Internal | None = None, domain: str = "example.org", tunnel: Tunnel | None = None
) -> Plan:
    topology = Topology(
        hostname=f"mail.{domain}",
        proxies=proxies,
        internal=internal or Internal("internal"),
        domains=[Domain(domain)],
        tunnel=tunnel or Tunnel(),
    )
    return derive(topology)


def test_each_proxy_has_a_network_of_its_own_with_a_gateway(plan: Plan) -> None:
    (segment,) = layout(plan).segments
    assert str(segment.net4) == "203.0.113.0/24"
    assert segment.gateway4 in segment.net4
    assert segment.gateway4 != IPv4Address("203.0.113.10")
    assert segment.gateway6 is not None
    assert str(segment.net6) == "2001:db8:113::/64"


def test_neighbours_share_a_segment() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10"), Proxy("two", ipv4="203.0.113.11")))
    (segment,) = found.segments
    assert [port.proxy.name for port in segment.ports] == ["one", "two"]


def test_proxies_far_apart_have_a_segment_each() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10"), Proxy("two", ipv4="198.51.100.10")))
    assert len({segment.bridge for segment in found.segments}) == 2
    assert len({nic.mac for nic in found.nics}) == 3


def test_a_gateway_that_the_plan_names_is_the_internets() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", gateway="203.0.113.254")))
    assert found.segments[0].gateway4 == IPv4Address("203.0.113.254")


def test_a_proxy_with_the_first_address_of_a_network_still_gets_one_around_it() -> None:
    (segment,) = layout(planned(Proxy("one", ipv4="203.0.113.0"))).segments
    assert segment.net4.network_address < IPv4Address("203.0.113.0") < segment.net4.broadcast_address


@pytest.mark.parametrize("address", ["198.51.100.25", "192.0.2.80", "198.18.0.10"])
def test_machines_outside_are_never_in_a_proxys_network(address: str) -> None:
    found = layout(planned(Proxy("one", ipv4=address)))
    assert not any(identity.ipv4 in found.segments[0].net4 for identity in found.identities)


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


def test_an_error_names_what_is_taken() -> None:
    proxies = [
        Proxy(f"p{number}", ipv4=address)
        for number, address in enumerate(["198.51.100.1", "192.0.2.1", "203.0.113.1", "198.18.0.1", "198.19.77.1"])
    ]
    with pytest.raises(LabError, match="machines outside"):
        layout(planned(*proxies))


def test_both_ends_of_a_link_name_each_other(plan: Plan) -> None:
    ends = {(nic.link, nic.machine, nic.peer) for nic in layout(plan).nics}
    for host in plan.hosts:
        (nic,) = far_nics(plan, host.name)
        assert (nic.link, nic.peer, nic.machine) in ends
