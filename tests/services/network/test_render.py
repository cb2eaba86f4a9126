from mailnix import Proxy
from mailnix.formats.text import ini
from mailnix.plan import Plan, derive
from mailnix.services.network.render import sysctls, uplink
from tests.services.conftest import topology


def test_the_address_comes_by_dhcp_unless_a_gateway_is_given(plan: Plan) -> None:
    assert "DHCP=ipv4" in ini(uplink(plan.proxies[0]))
    fixed = derive(topology(Proxy("proxy", ipv4="203.0.113.10", gateway="203.0.113.1", prefix=24)))
    text = ini(uplink(fixed.proxies[0]))
    assert "DHCP=no" in text
    assert "Address=203.0.113.10/24" in text
    assert "Gateway=203.0.113.1" in text


def test_the_ipv6_address_is_set_as_given(plan: Plan) -> None:
    assert "Address=2001:db8:10::10/64" in ini(uplink(plan.proxies[0]))


def test_no_resolver_listens_to_the_neighbours(plan: Plan) -> None:
    for host in plan.hosts:
        assert "LLMNR=no" in ini(uplink(host))
        assert "MulticastDNS=no" in ini(uplink(host))


def test_both_machines_forward(plan: Plan) -> None:
    for host in plan.hosts:
        assert sysctls(host)["net.ipv4.ip_forward"] == 1
