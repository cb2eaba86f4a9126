"""Which machines a tunnel ties together."""

from __future__ import annotations

from mailnix import Proxy, Tunnel
from mailnix.deploy.links import facts, groups, ties
from mailnix.plan import Plan, derive
from tests.descriptions import sound

PROXIES = [Proxy("first", ipv4="5.9.100.1"), Proxy("second", ipv4="5.9.200.1")]
PLAN = derive(sound(proxies=PROXIES))
HOSTS = ("internal", "first", "second")


def all_facts(plan: Plan, hosts: tuple[str, ...] = HOSTS) -> dict[str, dict[str, dict[str, object]]]:
    return {host: facts(plan, host) for host in hosts}


def test_a_proxy_has_its_own_tunnel_and_home_has_all() -> None:
    assert list(facts(PLAN, "first")) == ["first"]
    assert list(facts(PLAN, "internal")) == ["first", "second"]


def test_nothing_is_tied_where_no_tunnel_changes() -> None:
    assert ties(PLAN, all_facts(PLAN), all_facts(PLAN), {}) == ()


def test_another_subnet_ties_all() -> None:
    other = derive(sound(proxies=PROXIES, tunnel=Tunnel(subnet="10.99.0.0/24")))
    found = ties(other, all_facts(PLAN), all_facts(other), {})
    assert [(tie.proxy, tie.hosts) for tie in found] == [
        ("first", ("internal", "first")),
        ("second", ("internal", "second")),
    ]
    assert groups(HOSTS, found) == (HOSTS,)


def test_another_address_of_one_proxy_ties_that_one_to_home() -> None:
    other = derive(sound(proxies=[PROXIES[0], Proxy("second", ipv4="5.9.201.7")]))
    (tie,) = ties(other, all_facts(PLAN), all_facts(other), {})
    assert (tie.proxy, tie.what, tie.hosts) == ("second", ("its endpoint",), ("internal", "second"))
    assert groups(HOSTS, (tie,)) == (("internal", "second"), ("first",))


def test_the_end_that_has_changed_already_is_not_tied() -> None:
    other = derive(sound(proxies=PROXIES, tunnel=Tunnel(port=51999)))
    running = all_facts(PLAN) | {"internal": facts(other, "internal")}
    assert {tie.hosts for tie in ties(other, running, all_facts(other), {})} == {("first",), ("second",)}


def test_a_new_proxy_is_tied_to_nobody() -> None:
    alone = derive(sound(proxies=PROXIES[:1]))
    assert ties(PLAN, all_facts(alone, HOSTS[:2]), all_facts(PLAN), {}) == ()


def test_new_keys_tie_as_new_ports_do() -> None:
    link = PLAN.tunnels[1]
    new = {"second": [link.proxy.private_key], "internal": [link.internal.peer_public_key, "mailcow.dkim"]}
    (tie,) = ties(PLAN, all_facts(PLAN), all_facts(PLAN), new)
    assert (tie.what, tie.hosts) == (("its keys",), ("internal", "second"))


def test_first_keys_tie_nothing() -> None:
    assert ties(PLAN, {}, all_facts(PLAN), {"first": [PLAN.tunnels[0].proxy.private_key]}) == ()
