from __future__ import annotations

from mailnix import Internal, Proxy
from mailnix.lab.internet import leases
from mailnix.lab.internet.layout import Layout, layout
from mailnix.plan import Plan
from mailnix.tree import File
from tests.lab.internet.places import in_every_place, planned

STATIC = {"gateway": "203.0.113.1", "prefix": 24, "nameservers": ["9.9.9.9"]}


def files(found: Layout) -> dict[str, str]:
    return {entry.path: str(entry.content) for entry in leases.entries(found) if isinstance(entry, File)}


def test_every_machine_always_gets_its_address_by_dhcp(layout: Layout) -> None:
    written = files(layout)
    (port,) = layout.segments[0].ports
    assert f"dhcp-host={port.far.mac},203.0.113.10\n" in written[leases.conf_path("net0")]
    assert f"dhcp-host={layout.home.far.mac},{layout.home.host4}\n" in written[leases.conf_path("home")]


@in_every_place
def test_a_card_that_is_set_by_hand_is_offered_nothing(plan: Plan) -> None:
    found = layout(plan)
    asked = {lease.mac for bridge in leases.served(found).values() for lease in bridge}
    ends = [(port.far.mac, port.proxy.uplink) for segment in found.segments for port in segment.ports]
    ends += [(found.home.far.mac, plan.internal.uplink)]
    assert asked == {mac for mac, uplink in ends if uplink.dhcp}


def test_where_nobody_asks_there_is_no_server() -> None:
    internal = Internal("internal", ipv4="10.0.0.5", gateway="10.0.0.1", nameservers=["10.0.0.1"])
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", **STATIC), internal=internal))  # type: ignore[arg-type]
    assert leases.units(found) == ()


def test_a_private_network_offers_a_way_out_that_leads_nowhere() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", card="ens3", private_networks=["10.0.0.0/16"])))
    text = files(found)[leases.conf_path("private0")]
    assert "option:router,10.0.0.1\n" in text
    assert f"dhcp-host={found.privates[0].far.mac}," in text
    unit = files(found)["/etc/systemd/system/mailnix-internet-dhcp-private0.service"]
    assert "ip netns exec private0 /usr/sbin/dnsmasq" in unit


def test_two_networks_that_are_numbered_alike_have_a_server_each() -> None:
    internal = Internal("internal", lan="10.0.0.0/24")
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", card_ipv4="10.0.0.9"), internal=internal))
    written = files(found)
    assert "dhcp-range=set:r0,10.0.0.0,static" in written[leases.conf_path("net0")]
    assert "dhcp-range=set:r0,10.0.0.0,static" in written[leases.conf_path("home")]
