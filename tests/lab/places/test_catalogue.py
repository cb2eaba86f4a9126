"""Every place is a sound description, and its router can be told what to do."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_interface

import pytest

from mailnix.errors import Severity
from mailnix.lab.places import build, change, ground, router, rules
from mailnix.lab.places.catalogue import PLACES
from mailnix.lab.places.place import HOME, PROXY, Cable, Place
from mailnix.model.check import problems
from mailnix.plan import derive

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs admin"

each = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.id)


def test_no_two_places_have_one_name() -> None:
    names = [place.id for place in PLACES]
    assert len(set(names)) == len(names)
    assert len(names) >= 20


@each
def test_what_is_described_is_sound(place: Place) -> None:
    assert [p for p in problems(place.topology(KEY)) if p.severity is Severity.ERROR] == []


@each
def test_both_machines_can_be_brought_there_from_the_first_place(place: Place) -> None:
    before, after = (ground.trees_of(derive(each.topology(KEY))) for each in (PLACES[0], place))
    for name in (PROXY, HOME):
        assert "docker" not in change.use(change.between(before[name], after[name]))


@each
def test_the_router_is_told_of_every_cable(place: Place) -> None:
    script = router.swap(place, ground.macs(build.far_nics))
    for cable in cables(place):
        for address in cable.addresses:
            assert f"address add {address}" in script
        if cable.lease:
            assert f"dhcp-range={ip_interface(cable.addresses[0]).network.network_address}" in script


def test_a_boot_sees_the_places_in_which_the_card_is_chosen() -> None:
    by_boot = {place.id for place in PLACES if place.reboots}
    assert any(place.provider2 and place.id in by_boot for place in PLACES)


def test_a_network_that_takes_port_53_answers_it_itself() -> None:
    taken = [place for place in PLACES if place.way.takes_dns]
    assert taken
    assert all("udp dport 53 redirect" in rules.home(place.way) for place in taken)
    assert not any("dport 53" in rules.home(place.way) for place in PLACES if place not in taken)


def test_one_to_one_translation_goes_both_ways() -> None:
    (public, private), *_ = next(place.provider.nat for place in PLACES if place.provider.nat)
    text = rules.provider(next(place for place in PLACES if place.provider.nat))
    assert f"ip daddr {public} dnat ip to {private}" in text
    assert f"ip saddr {private} snat ip to {public}" in text


def test_a_lease_is_within_a_network_of_its_cable() -> None:
    for place in PLACES:
        for cable in cables(place):
            if cable.lease:
                networks = [ip_interface(text).network for text in cable.addresses]
                assert any(ip_address(cable.lease.address.ip) in network for network in networks), place.id


def cables(place: Place) -> Iterator[Cable]:
    yield from (each for each in (place.provider, place.provider2, place.home, place.home2) if each)
