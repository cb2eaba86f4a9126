"""What networkd is told, place by place."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Internal, Proxy
from mailnix.formats.text import ini
from mailnix.plan import Plan, derive
from mailnix.services.network.render import (
    CARDS,
    OTHERS_STEM,
    UPLINK_STEM,
    others,
    resolved,
    sysctls,
    uplink,
    wanted_card,
)
from tests.services.conftest import topology

IPV4, IPV6, GATEWAY = "203.0.113.10", "2001:db8:10::10", "203.0.113.1"
STATIC: dict[str, Any] = {"gateway": GATEWAY, "prefix": 24, "nameservers": ["127.0.0.1"]}


def proxy(**more: Any) -> str:
    return ini(uplink(derive(topology(Proxy("proxy", IPV4, **more))).proxies[0]))


def home(**more: Any) -> str:
    return ini(uplink(derive(topology(internal=Internal("internal", **more))).internal))


def routes(text: str) -> list[dict[str, str]]:
    sections = text.split("\n\n")
    found = [section.splitlines()[1:] for section in sections if section.startswith("[Route]")]
    return [dict(line.split("=", 1) for line in lines) for lines in found]


def section(text: str, name: str) -> list[str]:
    (found,) = [part for part in text.split("\n\n") if part.startswith(f"[{name}]")]
    return found.splitlines()[1:]


def test_the_address_comes_by_dhcp_unless_a_gateway_is_given() -> None:
    assert "DHCP=ipv4" in section(proxy(), "Network")
    network = section(proxy(**STATIC), "Network")
    assert {"DHCP=no", f"Address={IPV4}/24"} <= set(network)


def test_a_static_machine_knows_its_resolvers() -> None:
    """nextcloud/vm 857: an address and a gateway, and no name resolves."""
    network = section(proxy(gateway=GATEWAY, nameservers=["198.51.100.53", "2001:db8::53"], ipv6=IPV6), "Network")
    assert [line for line in network if line.startswith("DNS=")] == ["DNS=198.51.100.53", "DNS=2001:db8::53"]
    at_home = home(ipv4="10.0.0.20", gateway="10.0.0.1", nameservers=["10.0.0.1"])
    assert "DNS=10.0.0.1" in section(at_home, "Network")


def test_resolvers_of_the_description_win_over_those_that_the_network_names() -> None:
    by_dhcp = proxy(ipv6=IPV6, nameservers=["127.0.0.1"])
    assert "UseDNS=no" in section(by_dhcp, "DHCPv4")
    assert "UseDNS=no" in section(by_dhcp, "IPv6AcceptRA")
    at_home = home(nameservers=["192.168.1.1"])
    for name in ("DHCPv4", "DHCPv6", "IPv6AcceptRA"):
        assert "UseDNS=no" in section(at_home, name)


def test_where_none_are_described_the_networks_resolvers_are_asked() -> None:
    for text in (proxy(), proxy(ipv6=IPV6), home()):
        assert "UseDNS" not in text
        assert "DNS=" not in text.replace("MulticastDNS=", "")


def test_a_proxy_that_nobody_tells_a_resolver_asks_its_own_and_home_asks_no_stranger(plan: Plan) -> None:
    """Debian's compiled-in list is empty, upstream's is Cloudflare and Google (resolved.conf(5))."""
    assert "FallbackDNS=127.0.0.1\n" in ini(resolved(plan.proxies[0]))
    assert "FallbackDNS=\n" in ini(resolved(plan.internal))


def test_mail_never_leaves_from_an_address_that_a_router_made_up() -> None:
    """mail-in-a-box 1738: after a router advertisement the newer address is the source, which has no PTR."""
    learned, described = proxy(ipv6=IPV6), proxy(ipv6=IPV6, gateway6="fe80::1")
    assert {"UseAutonomousPrefix=no", "DHCPv6Client=no"} <= set(section(learned, "IPv6AcceptRA"))
    assert {"Gateway": "fe80::1", "GatewayOnLink": "yes", "PreferredSource": IPV6} in routes(described)
    for text in (learned, described):
        assert "IPv6PrivacyExtensions=no" in section(text, "Network")


def test_the_ipv6_router_is_learned_unless_it_is_described() -> None:
    assert "IPv6AcceptRA=yes" in section(proxy(ipv6=IPV6), "Network")
    assert "IPv6AcceptRA=no" in section(proxy(ipv6=IPV6, gateway6="fe80::1"), "Network")


def test_a_proxy_without_a_described_ipv6_address_has_none() -> None:
    assert "IPv6AcceptRA=no" in section(proxy(), "Network")
    assert "IPv6AcceptRA=yes" in section(home(), "Network")


@pytest.mark.parametrize("length", [128, 127, 64, 48])
def test_the_ipv6_network_has_any_length_and_its_router_may_be_outside_it(length: int) -> None:
    text = proxy(ipv6=IPV6, prefix6=length, gateway6="2001:db8:ffff::1")
    assert f"Address={IPV6}/{length}" in section(text, "Network")
    assert {"Gateway": "2001:db8:ffff::1", "GatewayOnLink": "yes", "PreferredSource": IPV6} in routes(text)


def test_a_single_ipv4_address_reaches_a_gateway_outside_of_its_network() -> None:
    text = proxy(gateway="172.31.1.1", nameservers=["127.0.0.1"])
    assert f"Address={IPV4}/32" in section(text, "Network")
    assert routes(text) == [{"Gateway": "172.31.1.1", "GatewayOnLink": "yes", "PreferredSource": IPV4}]


def test_further_addresses_are_on_the_card_and_never_the_source() -> None:
    text = proxy(**STATIC, ipv6=IPV6, extra_addresses=["192.168.133.7/17", "203.0.113.99/32", "2001:db8:10::99/64"])
    network = section(text, "Network")
    assert {"Address=192.168.133.7/17", "Address=203.0.113.99/32", f"Address={IPV6}/64"} <= set(network)
    assert "Address=2001:db8:10::99/64" not in network
    assert section(text, "Address") == ["Address=2001:db8:10::99/64", "PreferredLifetime=0"]
    assert routes(text)[0]["PreferredSource"] == IPV4


def test_a_floating_address_is_the_source_beside_one_by_dhcp() -> None:
    """DHCP's own route, whose source is DHCP's address, has metric 1024."""
    text = proxy(floating=True)
    assert {"DHCP=ipv4", f"Address={IPV4}/32"} <= set(section(text, "Network"))
    assert routes(text) == [{"Gateway": "_dhcp4", "PreferredSource": IPV4, "Metric": "512"}]


def test_a_floating_address_is_the_source_beside_a_static_one() -> None:
    text = proxy(floating=True, card_ipv4="198.51.100.20", gateway="198.51.100.1", prefix=24, nameservers=["127.0.0.1"])
    network = section(text, "Network")
    assert network.index("Address=198.51.100.20/24") < network.index(f"Address={IPV4}/32")
    assert routes(text) == [{"Gateway": "198.51.100.1", "GatewayOnLink": "yes", "PreferredSource": IPV4}]


def test_behind_the_providers_nat_the_card_keeps_its_private_address() -> None:
    """postalserver/postal 419: by DHCP nothing of the public address is set, and static the private one is."""
    assert IPV4 not in proxy()
    private = {"card_ipv4": "10.0.0.5", "gateway": "10.0.0.1", "prefix": 24, "nameservers": ["127.0.0.1"]}
    text = proxy(**private, extra_addresses=["10.0.0.6/24"])
    assert IPV4 not in text
    assert "Address=10.0.0.5/24" in section(text, "Network")
    assert routes(text) == [{"Gateway": "10.0.0.1", "GatewayOnLink": "yes", "PreferredSource": "10.0.0.5"}]


def test_a_described_card_is_matched_by_its_name_or_its_mac() -> None:
    assert section(proxy(card="ens3"), "Match") == ["Name=ens3"]
    assert section(proxy(card="52-54-00-AB-CD-EF"), "Match") == ["MACAddress=52:54:00:ab:cd:ef"]
    assert section(home(card="enp2s0"), "Match") == ["Name=enp2s0"]


def test_without_a_described_card_the_machine_looks_which_one_leads_out(plan: Plan) -> None:
    """elitak/nixos-infect 242: a second card got the public address, too."""
    assert [wanted_card(host) for host in plan.hosts] == [CARDS, CARDS]
    named = derive(topology(Proxy("proxy", IPV4, card="52:54:00:AB:CD:EF"), internal=Internal("internal", card="ens4")))
    assert [wanted_card(host) for host in named.hosts] == ["52:54:00:ab:cd:ef", "ens4"]


def test_other_cards_have_their_own_network_and_neither_a_way_out_nor_a_resolver(plan: Plan) -> None:
    text = ini(others(plan.proxies[0]))
    assert "[Route]" not in text
    # It applies to what no other file matches. NixOS's own begin with 40: among them are those of a bridge's ports.
    assert UPLINK_STEM < "40-enp1s0" < OTHERS_STEM
    assert {"DHCP=ipv4", "IPv6AcceptRA=no"} <= set(section(text, "Network"))
    assert {"UseGateway=no", "UseRoutes=no", "UseDNS=no"} <= set(section(text, "DHCPv4"))
    assert section(text, "Link") == ["RequiredForOnline=no"]


def test_other_cards_lead_to_described_private_networks_and_to_no_public_one() -> None:
    described = topology(Proxy("proxy", IPV4, private_networks=["10.0.0.0/16", "8.0.0.0/8", "fd00:6::/48"]))
    proxy, internal = derive(described).hosts
    assert section(ini(others(proxy)), "Route") == ["Destination=10.0.0.0/16", "Gateway=_dhcp4", "Metric=2048"]
    assert "[Route]" not in ini(others(internal))


def test_the_link_has_the_mtu_that_the_provider_names() -> None:
    """Google's is 1460, and networkd ignores that by itself."""
    assert "UseMTU=yes" in section(proxy(), "DHCPv4")


def test_no_resolver_listens_to_the_neighbours(plan: Plan) -> None:
    for host in plan.hosts:
        for text in (ini(uplink(host)), ini(others(host)), ini(resolved(host))):
            assert "LLMNR=no" in text
            assert "MulticastDNS=no" in text


def test_both_machines_forward(plan: Plan) -> None:
    for host in plan.hosts:
        assert sysctls(host)["net.ipv4.ip_forward"] == 1
