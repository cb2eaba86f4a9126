from mailnix import Family, Proxy, Tunnel
from mailnix.plan import Plan, derive
from mailnix.services.firewall.render import table
from mailnix.services.wireguard.debian import debian
from mailnix.services.wireguard.render import tunnels
from tests.descriptions import PUBLIC4, PUBLIC6, sound


def keys(plan: Plan, host: str, section: str, stem: str) -> list[dict[str, object]]:
    found = tunnels(plan.host(host))
    return [dict(values) for units in found for name, values in getattr(units, stem) if name == section]


def test_the_home_side_dials_out_and_keeps_the_tunnel_alive(plan: Plan) -> None:
    (peer,) = keys(plan, "internal", "WireGuardPeer", "netdev")
    assert peer["Endpoint"] == "203.0.113.10:51820"
    assert peer["PersistentKeepalive"] == 25
    assert "ListenPort" not in keys(plan, "internal", "WireGuard", "netdev")[0]


def test_the_proxy_listens_and_takes_only_the_internal_hosts_addresses(plan: Plan) -> None:
    (peer,) = keys(plan, "proxy", "WireGuardPeer", "netdev")
    assert peer["AllowedIPs"] == ("10.83.119.2/32", "fd6d:6169:6c6e::2/128")
    assert keys(plan, "proxy", "WireGuard", "netdev")[0]["ListenPort"] == plan.tunnels[0].port


def test_clients_own_addresses_may_come_through_the_tunnel_and_only_marked_answers_go_back(plan: Plan) -> None:
    (peer,) = keys(plan, "internal", "WireGuardPeer", "netdev")
    assert peer["AllowedIPs"] == ("0.0.0.0/0", "::/0")
    (rule,) = keys(plan, "internal", "RoutingPolicyRule", "network")
    link = plan.tunnels[0]
    assert (rule["FirewallMark"], rule["Table"], rule["Family"]) == (link.mark, link.table, "both")
    defaults = [r for r in keys(plan, "internal", "Route", "network") if r["Destination"] in ("0.0.0.0/0", "::/0")]
    assert defaults
    assert all(route["Table"] == link.table for route in defaults)


def test_each_proxy_has_an_interface_of_its_own_at_home(two_proxies: Plan) -> None:
    assert [units.interface for units in tunnels(two_proxies.internal)] == ["wg-east", "wg-west"]


def test_no_key_stands_in_a_file(plan: Plan) -> None:
    for host in plan.hosts:
        names = {credential.name for credential in host.credentials}
        for units in tunnels(host):
            for section, values in units.netdev:
                for key in ("PrivateKey", "PublicKey", "PresharedKey"):
                    if key in values:
                        assert str(values[key]).startswith("@"), section
                        assert str(values[key])[1:] in names


def test_debian_gets_a_netdev_and_a_network_for_each_tunnel(two_proxies: Plan) -> None:
    paths = [entry.path for entry in debian(two_proxies, two_proxies.internal).entries]
    assert [path for path in paths if "/network/" in path] == [
        "/etc/systemd/network/50-wg-east.netdev",
        "/etc/systemd/network/50-wg-east.network",
        "/etc/systemd/network/50-wg-west.netdev",
        "/etc/systemd/network/50-wg-west.network",
    ]


def test_both_ends_and_their_firewalls_follow_the_mtu() -> None:
    plan = derive(sound(tunnel=Tunnel(mtu=1392)))
    for host in plan.hosts:
        assert keys(plan, host.name, "NetDev", "netdev")[0]["MTUBytes"] == 1392
        assert "maxseg size set 1332" in table(host)


def test_over_ipv6_the_endpoint_is_an_address_in_brackets_and_the_proxy_takes_both_families() -> None:
    plan = derive(sound(tunnel=Tunnel(over=Family.IPV6, port=443)))
    assert keys(plan, "internal", "WireGuardPeer", "netdev")[0]["Endpoint"] == f"[{PUBLIC6}]:443"
    assert "udp dport 443 counter accept" in table(plan.host("proxy"))  # of an inet table, so over IPv4 too


def test_a_name_is_dialled_as_it_is_written() -> None:
    plan = derive(sound(proxies=[Proxy("proxy", PUBLIC4, endpoint="vpn.example.net")]))
    assert keys(plan, "internal", "WireGuardPeer", "netdev")[0]["Endpoint"] == "vpn.example.net:51820"
