"""What is decided about a description."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from mailnix import Domain, Internal, Proxy, Tunnel
from mailnix.model.clientport import OFFERED
from mailnix.plan import Plan, ProxyPlan, Reach, SecretKind, Transport, derive
from tests.descriptions import PUBLIC4, sound


def plan(**changed: Any) -> Plan:
    return derive(sound(**changed))


def two_proxies() -> Plan:
    return plan(
        proxies=[
            Proxy("east", PUBLIC4, hostname="mx1.example.org"),
            Proxy("west", "5.9.100.2", hostname="mx2.example.org"),
        ]
    )


def test_the_usual_addresses_are_the_documented_ones() -> None:
    decided = plan()
    assert str(decided.proxies[0].tunnel.proxy.ipv4) == "10.83.119.1"
    assert str(decided.internal.ipv4) == "10.83.119.2"


def test_the_internet_reaches_the_planned_sockets_of_a_proxy_and_none_of_the_internal_host() -> None:
    decided = plan()
    public = {(s.port, s.transport) for s in decided.proxies[0].listeners if s.reach is Reach.INTERNET}
    assert public == {(25, "tcp"), (80, "tcp"), (443, "tcp"), (51820, "udp")}
    assert {forward.port for forward in decided.proxies[0].forwards} == {client.port for client in OFFERED}
    assert not [s for s in decided.internal.listeners if s.reach is Reach.INTERNET]


def test_listeners_of_a_host_never_clash() -> None:
    for host in two_proxies().hosts:
        sockets = [(s.port, s.transport) for s in host.listeners]
        assert len(sockets) == len(set(sockets))


def test_without_ipv6_nothing_speaks_it() -> None:
    decided = plan(proxies=[Proxy("proxy", PUBLIC4)])
    assert not decided.internal.has_ipv6
    assert all(forward.to6 is None for forward in decided.proxies[0].forwards)
    assert "AAAA" not in {record.type for record in decided.records}


def test_each_proxy_has_a_tunnel_mark_and_table_of_its_own() -> None:
    links = two_proxies().tunnels
    for kind in ("mark", "table", "endpoint"):
        assert len({getattr(link, kind) for link in links}) == 2
    assert len({link.internal.interface for link in links}) == 2
    assert len({link.internal.ipv4 for link in links}) == 1


def test_the_order_of_proxies_decides_preference_alone() -> None:
    decided = two_proxies()
    turned = derive(evolve(decided.topology, proxies=decided.topology.proxies[::-1]))

    def without_preference(proxy: ProxyPlan) -> ProxyPlan:
        return evolve(proxy, preference=0)

    assert [proxy.preference for proxy in decided.proxies] == [10, 20]
    for name in ("east", "west"):
        before, after = decided.host(name), turned.host(name)
        assert isinstance(before, ProxyPlan)
        assert isinstance(after, ProxyPlan)
        assert without_preference(before) == without_preference(after)


def test_adding_a_proxy_moves_no_other() -> None:
    one = plan(proxies=[Proxy("east", PUBLIC4)])
    both = plan(proxies=[Proxy("zz", "5.9.100.9", hostname="mx9.example.org"), Proxy("east", PUBLIC4)])
    assert one.host("east").credentials == both.host("east").credentials
    assert one.tunnels[0] in both.tunnels


def test_every_copied_credential_has_its_source_in_the_plan() -> None:
    decided = two_proxies()
    known = {(c.host, c.name): c for c in decided.credentials}
    assert len(known) == len(decided.credentials)
    for credential in decided.credentials:
        if credential.source is not None:
            assert known[credential.source].source is None
        else:
            assert credential.kind is not SecretKind.WIREGUARD_PUBLIC


def test_a_proxy_knows_no_secret_of_the_mailboxes() -> None:
    for proxy in two_proxies().proxies:
        assert not [c for c in proxy.credentials if c.name.startswith("mailcow")]
        assert {c.source[0] for c in proxy.credentials if c.source} <= {"internal"}


def test_certificates_cover_every_name_that_is_served() -> None:
    decided = two_proxies()
    names = set(decided.proxies[0].certificate.names)
    assert {"mail.example.org", "mx1.example.org", "autoconfig.example.org", "mta-sts.example.org"} <= names
    assert "mx2.example.org" not in names
    assert decided.internal.certificate.names == ("mail.example.org",)


def test_other_subnets_ports_and_names_are_followed() -> None:
    decided = plan(
        tunnel=Tunnel("192.168.77.0/28", "fd77::/64", port=4500, mtu=1380, keepalive=20),
        internal=Internal("home", docker_subnet="172.30.9.0/24"),
        domains=[Domain("bücher.de", ["a"])],
    )
    (link,) = decided.tunnels
    assert str(link.internal.ipv4) == "192.168.77.2"
    assert str(link.internal.ipv6) == "fd77::2"
    assert (link.port, link.mtu, link.keepalive) == (4500, 1380, 20)
    assert decided.host("home") is decided.internal
    assert [s.port for s in decided.proxies[0].listeners if s.transport is Transport.UDP] == [4500]
    assert decided.domain_names == ("xn--bcher-kva.de",)


def test_the_contact_is_the_first_domains_postmaster_unless_given() -> None:
    assert plan().contact == "postmaster@example.org"
    assert plan(contact="me@example.org").contact == "me@example.org"
