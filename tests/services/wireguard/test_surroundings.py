"""A machine that is in a network of ours says so, once and in one sentence; any other machine says nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from mailnix import Internal, Proxy, Tunnel
from mailnix.model.check import problems
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.wireguard.guest import surroundings
from mailnix.services.wireguard.guest.surroundings import ADDRESSES, ROUTES4, ROUTES6
from mailnix.services.wireguard.units import described_json, interfaces
from tests.descriptions import PUBLIC4, sound

Said = Mapping[str, Sequence[object]]
PROGRAM = Path(surroundings.__file__)


def card(name: str, *addresses: str, peer: str | None = None) -> dict[str, object]:
    """A card as `ip -json address show` has it."""
    info = []
    for address in addresses:
        local, _, length = address.partition("/")
        info.append({"local": local, "prefixlen": int(length), **({"address": peer} if peer else {})})
    return {"ifname": name, "addr_info": info}


def machine(*cards: object, routes4: Sequence[object] = (), routes6: Sequence[object] = ()) -> Said:
    return {ADDRESSES: cards, ROUTES4: routes4, ROUTES6: routes6}


def asking(said: Said) -> Callable[[str], str]:
    return lambda words: json.dumps(said[words])


def told(plan: Plan, host: str, said: Said) -> list[str]:
    ours = json.loads(described_json(plan, plan.host(host)))["networks"]
    around = surroundings.surroundings(asking(said), interfaces(plan.host(host)))
    return list(surroundings.sentences(ours, around))


ORDINARY: Said = machine(
    card("lo", "127.0.0.1/8", "::1/128"),
    card("eth0", "192.168.178.23/24", "2001:db8:7::5/64", "fe80::5/64"),
    card("wg-proxy", "10.83.119.2/32", "fd6d:6169:6c6e::2/128"),
    card("wg0", "10.83.119.1/32", "fd6d:6169:6c6e::1/128"),
    card("br-mailcow", "172.22.1.1/24", "fd4d:6169:6c63:6f77::1/64"),
    card("docker0", "172.17.0.1/16"),
    routes4=[
        {"dst": "default", "gateway": "192.168.178.1", "dev": "eth0"},
        {"dst": "192.168.178.0/24", "dev": "eth0"},
        {"dst": "10.83.119.1", "dev": "wg-proxy"},
        {"dst": "10.83.119.2", "dev": "wg0"},
        {"dst": "172.22.1.0/24", "dev": "br-mailcow"},
        {"type": "blackhole", "dst": "10.0.0.0/8"},
    ],
    routes6=[{"dst": "default", "nexthops": [{"dev": "eth0"}]}, {"dst": "fe80::/64", "dev": "eth0"}],
)


@pytest.mark.parametrize("host", ["internal", "proxy"])
def test_an_ordinary_place_is_worth_no_word(plan: Plan, host: str) -> None:
    others = {"internal": "wg0", "proxy": "wg-proxy"}[host]
    cards = [each for each in ORDINARY[ADDRESSES] if isinstance(each, dict) and each["ifname"] != others]
    routes = [each for each in ORDINARY[ROUTES4] if isinstance(each, dict) and each.get("dev") != others]
    assert told(plan, host, {**ORDINARY, ADDRESSES: cards, ROUTES4: routes}) == []


def test_a_clouds_network_that_is_the_tunnels_is_told_with_what_to_write() -> None:
    plan = derive(sound(tunnel=Tunnel("10.0.0.0/24")))
    (sentence,) = told(plan, "proxy", machine(card("ens3", "10.0.0.55/24")))
    assert sentence == (
        "this machine is in 10.0.0.0/24 (ens3), which overlaps the tunnel's, 10.0.0.0/24: "
        'write private_networks=["10.0.0.0/24"] for this proxy, leave the tunnel\'s subnet out, '
        "and bring both machines up anew"
    )


def test_what_it_says_to_write_is_the_way_out() -> None:
    plan = derive(sound())
    (sentence,) = told(plan, "internal", machine(card("enp1s0", "10.1.2.3/8")))
    assert 'write lan="10.0.0.0/8"' in sentence
    (sentence,) = told(plan, "proxy", machine(card("ens3", "10.1.2.3/8")))
    assert 'private_networks=["10.0.0.0/8"]' in sentence
    described = sound(
        internal=Internal("internal", lan="10.0.0.0/8"),
        proxies=[Proxy("proxy", PUBLIC4, private_networks=["10.0.0.0/8"])],
    )
    assert not [problem for problem in problems(described) if "overlap" in problem.message]
    after = derive(described)
    assert told(after, "internal", machine(card("enp1s0", "10.1.2.3/8"))) == []
    assert told(after, "proxy", machine(card("ens3", "10.1.2.3/8"))) == []


def test_a_home_network_that_is_dockers_is_told_at_home_alone(plan: Plan) -> None:
    said = machine(card("eth0", "172.22.1.77/24"))
    (sentence,) = told(plan, "internal", said)
    assert "overlaps Docker's, 172.22.1.0/24" in sentence
    assert 'lan="172.22.1.0/24"' in sentence
    assert told(plan, "proxy", said) == []


@pytest.mark.parametrize(
    ("said", "network"),
    [
        (machine(card("eth0", "192.0.2.7/24"), routes4=[{"dst": "10.64.0.0/10", "dev": "eth0"}]), "10.64.0.0/10"),
        (machine(routes4=[{"dst": "10.83.119.77", "dev": "eth1"}]), "10.83.119.77/32"),
        (machine(card("ppp0", "198.51.100.7/32", peer="10.83.119.77")), "10.83.119.77/32"),
        (machine(card("ppp0", "10.83.119.9/32", peer="198.51.100.1")), "10.83.119.9/32"),
        (machine(card("eth0", "fd6d:6169:6c6e::77/64")), "fd6d:6169:6c6e::/64"),
        (machine(routes6=[{"dst": "fd00::/8", "nexthops": [{"dev": "eth0"}]}]), "fd00::/8"),
    ],
)
def test_addresses_peers_and_routes_count_of_both_families(plan: Plan, said: Said, network: str) -> None:
    sentences = told(plan, "proxy", said)
    assert len(sentences) == 1
    assert f"this machine is in {network} (" in sentences[0]


def test_of_networks_within_one_another_the_widest_is_told(plan: Plan) -> None:
    said = machine(card("eth0", "10.83.119.7/24"), routes4=[{"dst": "10.83.0.0/16", "dev": "eth0"}])
    (sentence,) = told(plan, "proxy", said)
    assert "10.83.0.0/16" in sentence


@pytest.fixture
def program(plan: Plan, tmp_path: Path) -> Callable[[str], str]:
    """The program as a proxy runs it beside an `ip` that is the script given → what it printed; it must end well."""

    def printed(script: str) -> str:
        played = tmp_path / "ip"
        played.write_text(f"#!/bin/sh\n{script}\n")
        played.chmod(0o755)
        (tmp_path / "described.json").write_text(described_json(plan, plan.proxies[0]))
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return run(["python3", PROGRAM, tmp_path / "described.json", "wg0"], env=env, timeout=60).stdout

    return printed


def test_the_program_prints_a_warning_and_ends_well(program: Callable[[str], str], tmp_path: Path) -> None:
    ways = {"routes4": [{"dst": "default", "dev": "eth0"}], "routes6": [{"dst": "default", "dev": "eth0"}]}
    said = machine(card("eth0", "10.83.119.7/24"), **ways)
    for words, stdout in said.items():
        (tmp_path / words.replace(" ", "_")).write_text(json.dumps(stdout))
    printed = program(f'shift\ncat "{tmp_path}/$(echo "$*" | tr " " _)"')
    assert printed.startswith("mailnix: this machine is in 10.83.119.0/24 (eth0)")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "echo '[]'; exit 1",
        "echo '[{\"dst\": '",
        "echo 'Object \"-json\" is unknown'",
        "echo '{}'",
        "echo '[1, null, \"x\"]'",
        """echo '[{"addr_info": 7, "nexthops": [3], "dst": "default", "dev": 5, "ifname": []}, {"addr_info": [1]}]'""",
        "printf '\\377\\376'",
    ],
)
def test_where_nothing_sensible_answers_nothing_is_said(program: Callable[[str], str], script: str) -> None:
    assert program(script) == ""


def test_an_ip_that_does_not_end_is_worth_no_word() -> None:
    assert surroundings.said(["sleep", "60"], 0.01) == ""


def test_this_very_machine_can_be_asked() -> None:
    found = surroundings.surroundings(surroundings.ip, ())
    assert all(network == ip_network(str(network)) for network in found)
