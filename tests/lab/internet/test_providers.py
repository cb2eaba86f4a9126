from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from mailnix import Proxy
from mailnix.errors import LabError
from mailnix.lab.internet.providers import Port, Segment, segments
from mailnix.plan import Plan
from tests.lab.internet.places import in_every_place, planned


def segment(*proxies: Proxy) -> Segment:
    (found,) = segments(planned(*proxies))
    return found


def port(**said: object) -> Port:
    return segment(Proxy("one", **{"ipv4": "203.0.113.10", **said})).ports[0]  # type: ignore[arg-type]


def has(found: Segment) -> list[str]:
    return [str(interface) for interface in found.addresses]


@in_every_place
def test_every_proxy_has_a_gateway_on_its_bridge_and_its_addresses_are_routed_there(plan: Plan) -> None:
    found = segments(plan)
    assert sorted(port.proxy.name for s in found for port in s.ports) == sorted(proxy.name for proxy in plan.proxies)
    for here in found:
        bridge = {interface.ip for interface in here.addresses}
        for each in here.ports:
            uplink = each.proxy.uplink
            assert each.gateway4 in bridge
            assert each.gateway4 == uplink.gateway4 or each.gateway4 in each.ipv4.network
            assert uplink.gateway6 is None or uplink.gateway6 in bridge
            assert {interface.ip for interface in uplink.addresses} <= set(each.routed)
            assert not bridge & set(each.routed)


@in_every_place
def test_the_public_address_leads_to_the_card(plan: Plan) -> None:
    for here in segments(plan):
        for each in here.ports:
            assert each.on_wire(each.proxy.ipv4) in each.routed
            assert each.proxy.ipv6 is None or each.proxy.ipv6 in each.routed
            dialled = each.proxy.tunnel.endpoint
            assert not isinstance(dialled, IPv4Address) or each.on_wire(dialled) in each.routed


@in_every_place
def test_no_two_segments_meet_so_no_machine_asks_on_its_link_for_one_that_is_elsewhere(plan: Plan) -> None:
    found = segments(plan)
    for number, one in enumerate(found):
        for other in found[:number]:
            assert not [
                (m, n) for m in one.networks for n in other.networks if m.version == n.version and m.overlaps(n)
            ]


@in_every_place
def test_a_card_with_ipv6_and_no_gateway_hears_of_one(plan: Plan) -> None:
    for here in segments(plan):
        unknown = [p for p in here.ports if p.proxy.ipv6 is not None and p.proxy.uplink.gateway6 is None]
        assert (here.advertised is not None) == bool(unknown)


def test_by_dhcp_a_card_gets_the_public_address_in_a_network_with_a_gateway() -> None:
    found = port()
    assert (found.lease, str(found.ipv4), str(found.gateway4)) == (True, "203.0.113.10/24", "203.0.113.1")
    assert found.translated == ()


def test_a_static_card_gets_nothing() -> None:
    found = segment(Proxy("one", ipv4="203.0.113.10", gateway="203.0.113.254", prefix=24, nameservers=["203.0.113.2"]))
    assert not found.ports[0].lease
    assert has(found) == ["203.0.113.254/24", "203.0.113.2/32"]


def test_a_gateway_outside_is_on_the_link_alone() -> None:
    found = segment(
        Proxy(
            *("one", "203.0.113.10", "2001:db8:7::1"),
            gateway="172.31.1.1",
            gateway6="fe80::1",
            prefix6=128,
            nameservers=["185.12.64.1"],
        )
    )
    assert has(found) == ["172.31.1.1/32", "fe80::1/64"]
    assert [str(address) for address in found.ports[0].routed] == ["203.0.113.10", "2001:db8:7::1"]
    assert found.advertised is None


def test_a_private_address_on_the_card_stands_for_the_public_one() -> None:
    found = port(card_ipv4="10.0.0.9", gateway="10.0.0.1", prefix=24, nameservers=["10.0.0.2"])
    assert found.translated == ((IPv4Address("203.0.113.10"), IPv4Address("10.0.0.9")),)
    assert found.routed == (IPv4Address("10.0.0.9"),)


def test_by_dhcp_the_card_gets_the_private_address_that_is_described() -> None:
    found = port(card_ipv4="10.0.3.9", private_networks=["10.0.0.0/16"])
    assert (str(found.ipv4), str(found.gateway4)) == ("10.0.3.9/16", "10.0.0.1")


def test_the_only_card_of_a_machine_in_a_private_network_has_a_private_address() -> None:
    found = port(private_networks=["10.0.0.0/16"])
    assert str(found.ipv4) == "10.0.0.10/16"
    assert found.on_wire(IPv4Address("203.0.113.10")) == IPv4Address("10.0.0.10")
    assert str(port(private_networks=["10.0.0.0/16"], card="ens3").ipv4) == "203.0.113.10/24"


def test_beside_a_floating_address_the_machine_has_another_public_one() -> None:
    found = port(floating=True)
    assert found.ipv4.ip != IPv4Address("203.0.113.10")
    assert found.routed == (found.ipv4.ip, IPv4Address("203.0.113.10"))
    assert found.translated == ()


def test_what_home_dials_is_the_main_address_beside_a_floating_one() -> None:
    assert str(port(floating=True, endpoint="78.46.1.2").ipv4) == "78.46.1.2/24"


def test_what_home_dials_is_translated_where_no_card_has_it() -> None:
    found = port(endpoint="78.46.1.2")
    assert found.translated == ((IPv4Address("78.46.1.2"), IPv4Address("203.0.113.10")),)


def test_extra_addresses_are_routed_to_the_card() -> None:
    found = port(extra_addresses=["192.168.133.7/17", "2001:db8:9::9/128"])
    assert set(found.routed) > {IPv4Address("192.168.133.7"), IPv6Address("2001:db8:9::9")}


def test_neighbours_share_a_segment_and_a_gateway() -> None:
    found = segment(
        Proxy("one", ipv4="203.0.113.10"),
        Proxy("two", ipv4="203.0.113.11", gateway="203.0.113.254", prefix=24, nameservers=["9.9.9.9"]),
    )
    assert [str(each.gateway4) for each in found.ports] == ["203.0.113.254", "203.0.113.254"]
    assert has(found) == ["203.0.113.254/24"]


def test_proxies_far_apart_have_a_segment_each() -> None:
    found = segments(planned(Proxy("one", ipv4="203.0.113.10"), Proxy("two", ipv4="198.51.100.10")))
    assert [here.bridge for here in found] == ["net0", "net1"]


def test_router_advertisements_invite_to_an_address_that_nobody_routes() -> None:
    found = segment(Proxy("one", ipv4="203.0.113.10", ipv6="2001:db8:5:6::1", prefix6=128))
    assert [str(network) for network in found.advertised or ()] == ["2001:db8:5:6::/64"]


def test_a_proxy_with_the_first_address_of_a_network_still_gets_one_around_it() -> None:
    network = port(ipv4="203.0.113.0").ipv4.network
    assert network.network_address < IPv4Address("203.0.113.0") < network.broadcast_address


def test_one_address_on_two_cards_is_more_than_the_lab_can_play() -> None:
    static = {"gateway": "10.0.0.1", "prefix": 24, "card_ipv4": "10.0.0.9", "nameservers": ["10.0.0.2"]}
    one, two = (Proxy(name, ipv4=ipv4, **static) for name, ipv4 in (("one", "5.1.1.1"), ("two", "9.1.1.1")))  # type: ignore[arg-type]
    with pytest.raises(LabError, match=r"10\.0\.0\.9 is on two"):
        segments(planned(one, two))
