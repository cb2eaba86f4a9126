"""A machine that nobody can log in to is found before it is built, unless it is meant."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mailnix import Internal, Proxy, Topology, Tunnel
from mailnix.errors import Problem, Severity
from mailnix.model.check import problems
from tests.descriptions import KEY, PUBLIC4, sound

PROXY = Proxy("proxy", ipv4=PUBLIC4)
SEALED = attrs.evolve(PROXY, sealed=True)
TUNNEL = Tunnel(subnet="10.9.0.0/24")
NEITHER = Internal("internal", lan_admin_cidrs=[])
BY_PROXY = Internal("internal", lan_admin_cidrs=[], ssh_via_proxy=True)
HOME_SEALED = Internal("internal", sealed=True)


def found(severity: Severity, **changed: object) -> dict[str, Problem]:
    return {p.path: p for p in problems(sound(**changed)) if p.severity is severity}


def errors(**changed: object) -> dict[str, Problem]:
    return found(Severity.ERROR, **changed)


@pytest.mark.parametrize(
    ("changed", "path", "names"),
    [
        ({"admin_keys": []}, "admin_keys", ("proxy", "internal")),
        ({"admin_keys": ["ssh-ed25519 AAAA… me"]}, "admin_keys", ("proxy", "internal")),
        ({"admin_keys": [], "proxies": [SEALED]}, "admin_keys", ("internal",)),
        ({"admin_keys": [], "internal": HOME_SEALED}, "admin_keys", ("proxy",)),
        ({"internal": NEITHER}, "internal.lan_admin_cidrs", ("internal",)),
        ({"internal": BY_PROXY, "proxies": [SEALED]}, "internal.ssh_via_proxy", ("internal",)),
    ],
    ids=["no key", "only damaged keys", "no key for home", "no key for the proxy", "no network", "every proxy sealed"],
)
def test_a_machine_without_a_way_in_is_an_error_that_says_how_to_mean_it(
    changed: dict[str, object], path: str, names: tuple[str, ...]
) -> None:
    problem = errors(**changed)[path]
    assert f"nobody can log in to {' or '.join(names)}:" in problem.message
    assert "sealed=True" in problem.hint


@pytest.mark.parametrize("network", ["127.0.0.0/8", "127.0.0.1", "::1", "224.0.0.0/4", "0.0.0.0/8", "::ffff:0:0/96"])
def test_a_network_that_nobody_comes_from_is_an_error(network: str) -> None:
    at_home = Internal("internal", lan_admin_cidrs=[network])
    assert "nobody comes from it" in errors(internal=at_home)["internal.lan_admin_cidrs[0]"].message
    proxy = attrs.evolve(PROXY, admin_cidrs=(network,))
    assert "nobody comes from it" in errors(proxies=[proxy])["proxies[0].admin_cidrs[0]"].message


@pytest.mark.parametrize(
    ("lan", "admins", "warned"),
    [
        ("192.168.1.0/24", ["192.168.11.0/24"], True),
        ("192.168.1.0/24", ["192.168.11.0/24", "fd00:1::/64"], True),
        ("198.51.100.0/24", None, True),
        ("192.168.1.0/24", None, False),
        ("192.168.1.0/24", ["192.168.1.20/32"], False),
        ("192.168.1.0/24", ["192.168.0.0/16"], False),
        ("192.168.1.0/24", ["192.168.11.0/24", "192.168.1.0/24"], False),
        ("192.168.1.0/24", ["0.0.0.0/0"], False),
        ("192.168.1.0/24", ["fd00:1::/64"], False),
        (None, ["192.168.11.0/24"], False),
    ],
)
def test_a_home_network_that_may_not_log_in_is_warned_of(
    lan: str | None, admins: list[str] | None, warned: bool
) -> None:
    home = Internal("internal", lan=lan)
    home = home if admins is None else attrs.evolve(home, lan_admin_cidrs=tuple(admins))
    problem = found(Severity.WARNING, internal=home).get("internal.lan_admin_cidrs")
    assert (problem is not None) is warned
    assert problem is None or f'lan_admin_cidrs=["{lan}"]' in problem.hint


@pytest.mark.parametrize("subnet", ["", "10.9.0.0", "nonsense"])
def test_a_tunnel_that_is_no_network_is_said_beside_a_proxy_for_a_private_one(subnet: str) -> None:
    proxy = attrs.evolve(PROXY, admin_cidrs=("192.168.1.0/24",))
    assert "tunnel.subnet" in errors(proxies=[proxy], tunnel=Tunnel(subnet=subnet))


def test_what_to_do_names_every_way_in() -> None:
    hint = errors(internal=NEITHER)["internal.lan_admin_cidrs"].hint
    assert "lan_admin_cidrs=[" in hint
    assert "ssh_via_proxy=True" in hint


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"internal": BY_PROXY},
        {"internal": BY_PROXY, "proxies": [attrs.evolve(SEALED, name="a"), attrs.evolve(PROXY, ipv4="5.9.100.2")]},
        {"proxies": [SEALED]},
        {"internal": HOME_SEALED},
        {"internal": attrs.evolve(HOME_SEALED, lan_admin_cidrs=())},
        {"admin_keys": [], "internal": HOME_SEALED, "proxies": [SEALED]},
    ],
    ids=[
        "home and proxy",
        "by proxy",
        "by the open one",
        "the proxy sealed",
        "home sealed",
        "no networks",
        "both sealed",
    ],
)
def test_a_way_in_to_each_machine_or_a_word_that_there_is_none_is_enough(changed: dict[str, object]) -> None:
    assert errors(**changed) == {}


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"proxies": [attrs.evolve(SEALED, admin_cidrs=("192.0.2.0/24",))]}, "proxies[0].sealed"),
        ({"internal": attrs.evolve(HOME_SEALED, ssh_via_proxy=True)}, "internal.sealed"),
        ({"internal": attrs.evolve(HOME_SEALED, lan_admin_cidrs=("192.168.1.0/24",))}, "internal.sealed"),
        ({"internal": Internal("internal", ssh_via_proxy=True), "proxies": [SEALED]}, "internal.ssh_via_proxy"),
    ],
)
def test_sealed_and_a_way_in_contradict_each_other(changed: dict[str, object], path: str) -> None:
    assert path in errors(**changed)


def test_keys_that_no_machine_takes_deserve_a_second_look() -> None:
    assert "admin_keys" in found(Severity.WARNING, internal=HOME_SEALED, proxies=[SEALED])


def test_so_does_a_key_that_is_there_twice() -> None:
    assert "admin_keys[1]" in found(Severity.WARNING, admin_keys=[KEY, f"restrict,pty {KEY}"])


def test_a_key_that_is_none_is_an_error_at_its_own_place() -> None:
    topology: Topology = sound(admin_keys=[KEY, "hello"])
    assert [problem.path for problem in problems(topology)] == ["admin_keys[1]"]


@pytest.mark.parametrize(
    ("options", "may"),
    [
        ("restrict", False),
        ("no-port-forwarding,no-pty", False),
        ("restrict,port-forwarding", True),
        ('command="echo restrict,no-port-forwarding"', True),
        ('permitopen="10.9.0.2:8080"', False),
        ('permitopen="10.9.0.2:8080",permitopen="10.9.0.2:22"', True),
        ('permitopen="10.9.0.2:*"', True),
        ('from="192.0.2.0/24"', False),
        ('from="192.0.2.0/24,!10.9.0.1"', False),
        ('from="192.0.2.0/24,10.9.0.0/24"', True),
        ('from="192.0.2.0/24,10.9.0.1"', True),
        ('from="192.0.2.*,10.9.*"', True),
    ],
)
def test_a_key_that_may_not_go_on_from_a_proxy_deserves_a_second_look(options: str, may: bool) -> None:
    key = f"{options} {KEY}"
    internal = Internal("internal", ssh_via_proxy=True)
    assert ("admin_keys[0]" in found(Severity.WARNING, admin_keys=[key], internal=internal, tunnel=TUNNEL)) is not may
    assert found(Severity.WARNING, admin_keys=[key]) == {}


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"admin_cidrs": ["192.168.1.0/24"]}, True),
        ({"admin_cidrs": ["10.0.0.0/8"]}, True),
        ({"admin_cidrs": ["10.0.0.0/8", "fd00::/8"], "private_networks": ["10.5.0.0/16"]}, False),
        ({"admin_cidrs": ["192.168.1.0/24", "198.51.100.0/24"]}, False),
        ({"admin_cidrs": ["10.9.0.2/32"]}, False),
        ({"admin_cidrs": ["100.64.0.0/10"]}, False),
    ],
    ids=[
        "a home network",
        "home networks that the tunnel is in",
        "the provider's",
        "a public one beside it",
        "the tunnel",
        "a VPN of one's own",
    ],
)
def test_a_proxy_that_only_a_home_network_may_reach_deserves_a_second_look(
    changed: dict[str, Any], warned: bool
) -> None:
    proxy = Proxy("proxy", ipv4=PUBLIC4, **changed)
    assert ("proxies[0].admin_cidrs" in found(Severity.WARNING, proxies=[proxy], tunnel=TUNNEL)) is warned
