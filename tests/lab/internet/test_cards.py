from __future__ import annotations

from mailnix import Internal, Proxy
from mailnix.lab.internet.cards import DECOY, behind, card_names, far_nics
from mailnix.plan import ProxyPlan
from tests.lab.internet.places import planned


def proxy(**said: object) -> ProxyPlan:
    return planned(Proxy("one", ipv4="203.0.113.10", **said)).proxies[0]  # type: ignore[arg-type]


def test_a_machine_whose_card_is_not_described_has_one() -> None:
    assert len(far_nics(proxy())) == 1
    assert len(far_nics(proxy(private_networks=["10.0.0.0/16"]))) == 1
    assert card_names(proxy()) == ()


def test_a_machine_that_must_choose_has_several() -> None:
    described = proxy(gateway="172.31.1.1", nameservers=["9.9.9.9"], private_networks=["10.0.0.0/16"])
    assert len(far_nics(described)) == 2
    assert len(far_nics(proxy(gateway="172.31.1.1", nameservers=["9.9.9.9"]))) == 1


def test_a_card_has_the_mac_that_is_described() -> None:
    described = proxy(card="52-54-00-AA-BB-CC")
    assert far_nics(described)[0].mac == "52:54:00:aa:bb:cc"
    assert card_names(described) == ()


def test_a_card_gets_the_name_that_is_described_by_its_mac() -> None:
    described = proxy(card="wan0")
    (credential,) = card_names(described)
    assert credential.name.startswith("network.link.")
    assert credential.text.split() == ["[Match]", f"MACAddress={far_nics(described)[0].mac}", "[Link]", "Name=wan0"]


def test_a_described_card_is_not_the_only_one() -> None:
    assert behind(proxy(card="ens3")) == (DECOY,)
    internal = planned(Proxy("one", ipv4="203.0.113.10"), internal=Internal("internal", card="enp1s0")).internal
    assert behind(internal) == (DECOY,)


def test_further_cards_lead_to_the_providers_private_networks() -> None:
    described = proxy(card="ens3", private_networks=["10.0.0.0/16", "172.16.0.0/20", "fd00:7::/64"])
    assert [str(network) for network in behind(described)] == ["10.0.0.0/16", "172.16.0.0/20"]
    assert len(far_nics(described)) == 3


def test_a_private_network_of_the_public_card_has_no_other() -> None:
    described = proxy(card="ens3", private_networks=["192.168.128.0/17"], extra_addresses=["192.168.133.7/17"])
    assert behind(described) == ()


def test_a_further_card_is_never_called_what_the_public_one_is() -> None:
    described = proxy(card="ens28", private_networks=["10.0.0.0/16", "172.16.0.0/20"])
    assert [nic.slot for nic in far_nics(described)] == [None, 27, 26]
