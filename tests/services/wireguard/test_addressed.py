"""A proxy whose addresses or IPv6 router are not as described says so, in one sentence with what to write."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from attrs import define, field

from mailnix import Proxy
from mailnix.plan import derive
from mailnix.services.wireguard.debian import programs
from mailnix.services.wireguard.guest import surroundings
from mailnix.services.wireguard.guest.surroundings import ADDRESSES, LOOKS, ROUTES4, ROUTES6
from mailnix.services.wireguard.units import described_json, interfaces, surroundings_unit
from tests.descriptions import PUBLIC4, sound
from tests.services.wireguard.test_surroundings import card

PUBLIC6 = "2001:db8:10::10"
DEFAULT4 = {"dst": "default", "gateway": "172.31.1.1", "dev": "eth0"}
DEFAULT6 = {"dst": "default", "gateway": "fe80::1", "dev": "eth0", "protocol": "ra"}
DROPS = {"type": "unreachable", "dst": "default", "dev": "lo"}
SIX = Proxy("proxy", PUBLIC4, ipv6=PUBLIC6)
FLOATING = Proxy("proxy", PUBLIC4, floating=True)


@define
class Ground:
    """A machine as ip(8) shows it, to which an IPv6 router comes after so many seconds (None: never)."""

    cards: Sequence[object]
    routes4: Sequence[object] = (DEFAULT4,)
    routes6: Sequence[object] = ()
    router_after: int | None = None
    waited: float = field(default=0, init=False)

    def ask(self, words: str) -> str:
        late = self.router_after is not None and self.waited >= self.router_after
        routes6 = (*self.routes6, DEFAULT6) if late else self.routes6
        return json.dumps({ADDRESSES: self.cards, ROUTES4: self.routes4, ROUTES6: routes6}[words])

    def pause(self, seconds: float) -> None:
        self.waited += seconds


def told(proxy: Proxy, ground: Ground) -> list[str]:
    plan = derive(sound(proxies=[proxy]))
    host = plan.proxies[0]
    facts = json.loads(described_json(plan, host))
    return list(surroundings.addressed(facts, ground.ask, interfaces(host), ground.pause))


CARD = card("eth0", f"{PUBLIC4}/32", f"{PUBLIC6}/64", "fe80::5/64")
TUNNEL = card("wg0", "10.83.119.1/32")


@pytest.mark.parametrize("routes6", [(), (DROPS,), ({"dst": "default", "dev": "wg0"},)])
def test_where_no_router_advertises_itself_gateway6_is_to_be_written(routes6: Sequence[object]) -> None:
    (sentence,) = told(SIX, Ground([CARD], routes6=routes6))
    assert sentence == (
        f"no IPv6 router advertised itself, so {PUBLIC6} leads nowhere: write gateway6 for this proxy, the router that "
        "the provider names (fe80::1 at many)"
    )


def test_a_router_that_takes_its_time_is_waited_for_and_no_longer_than_it_takes() -> None:
    ground = Ground([CARD], router_after=7)
    assert told(SIX, ground) == []
    assert ground.waited == 7


def test_waiting_ends() -> None:
    ground = Ground([CARD])
    assert told(SIX, ground)
    assert ground.waited == LOOKS - 1


def test_a_router_among_several_is_a_router() -> None:
    assert told(SIX, Ground([CARD], routes6=[{"dst": "default", "nexthops": [{"dev": "eth0"}]}])) == []


@pytest.mark.parametrize("proxy", [Proxy("proxy", PUBLIC4), Proxy("proxy", PUBLIC4, ipv6=PUBLIC6, gateway6="fe80::1")])
def test_where_no_router_is_to_be_learned_nothing_is_said_or_waited_for(proxy: Proxy) -> None:
    ground = Ground([CARD])
    assert told(proxy, ground) == []
    assert ground.waited == 0


def test_another_public_address_in_the_place_of_the_described_one_is_told_with_both_ways_out() -> None:
    (sentence,) = told(Proxy("proxy", PUBLIC4), Ground([card("eth0", "198.51.100.7/24"), TUNNEL]))
    assert sentence == (
        f"this machine has 198.51.100.7 (eth0), and {PUBLIC4} is on no card: write floating=True for this proxy if the "
        f'provider moves {PUBLIC4} to this machine, or ipv4="198.51.100.7" if that is its address'
    )


def test_its_ways_out_are_such() -> None:
    there = card("eth0", "198.51.100.7/24")
    assert told(FLOATING, Ground([card("eth0", "198.51.100.7/24", f"{PUBLIC4}/32")])) == []
    assert told(Proxy("proxy", "198.51.100.7"), Ground([there])) == []


@pytest.mark.parametrize(
    "cards",
    [
        [CARD],
        [card("eth0", "198.51.100.7/24"), card("eth1", f"{PUBLIC4}/24")],
        [card("eth0", "10.0.0.5/24")],
        [card("eth0", "100.64.3.5/24"), card("docker0", "198.51.100.7/24")],
        [card("eth0", "fe80::5/64")],
        [],
    ],
)
def test_the_described_address_or_private_ones_alone_are_worth_no_word(cards: Sequence[object]) -> None:
    assert told(Proxy("proxy", PUBLIC4), Ground([*cards, TUNNEL])) == []


def test_an_address_that_is_described_is_not_in_the_place_of_another() -> None:
    proxy = Proxy("proxy", PUBLIC4, extra_addresses=["198.51.100.7/32"])
    assert told(proxy, Ground([card("eth0", "10.0.0.5/24", "198.51.100.7/32")])) == []


@pytest.mark.parametrize("own", ["10.0.0.5", "172.16.9.5", "192.168.7.5", "100.64.3.5"])
def test_a_floating_address_beside_a_private_one_by_dhcp_is_probably_translated(own: str) -> None:
    (sentence,) = told(FLOATING, Ground([card("eth0", f"{own}/24", f"{PUBLIC4}/32"), TUNNEL]))
    assert sentence == (
        f"DHCP gave this machine {own} (eth0), a private address, so the provider probably translates {PUBLIC4} to it "
        "(1:1 NAT): leave floating out for this proxy"
    )
    assert told(Proxy("proxy", PUBLIC4), Ground([card("eth0", f"{own}/24"), TUNNEL])) == []


@pytest.mark.parametrize(
    "cards",
    [
        [card("eth0", "198.51.100.7/24", f"{PUBLIC4}/32"), card("eth1", "10.0.0.5/24")],
        [card("eth0", "198.51.100.7/24", "10.0.0.5/24", f"{PUBLIC4}/32")],
        [card("eth0", f"{PUBLIC4}/32")],
    ],
)
def test_private_addresses_of_other_cards_or_beside_a_public_one_say_nothing(cards: Sequence[object]) -> None:
    assert told(FLOATING, Ground([*cards, TUNNEL])) == []


def test_a_static_card_of_its_own_beside_a_floating_address_is_as_described() -> None:
    proxy = Proxy(
        "proxy", PUBLIC4, floating=True, card_ipv4="10.0.0.5", gateway="10.0.0.1", prefix=24, nameservers=["127.0.0.1"]
    )
    assert told(proxy, Ground([card("eth0", "10.0.0.5/24", f"{PUBLIC4}/32")])) == []


def test_the_machine_at_home_is_asked_for_networks_alone() -> None:
    plan = derive(sound())
    ground = Ground([card("eth0", "198.51.100.7/24")], routes4=())
    facts = json.loads(described_json(plan, plan.internal))
    assert list(surroundings.addressed(facts, ground.ask, (), ground.pause)) == []
    assert ground.waited == 0


def test_nothing_waits_for_the_look() -> None:
    """multi-user.target starts after what it wants has started, which is for `oneshot` when it has ended."""
    plan = derive(sound())
    assert dict(surroundings_unit(programs(plan.proxies[0])))["Service"]["Type"] == "exec"
