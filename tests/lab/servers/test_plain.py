"""Servers as somebody else sets them up: what they have, and that none of it is ours."""

from __future__ import annotations

import json
from ipaddress import ip_interface

import pytest

from mailnix import Internal, Proxy
from mailnix.lab.internet.cards import uplink_nic
from mailnix.lab.internet.layout import layout
from mailnix.lab.servers import build, plain
from mailnix.plan import Plan, derive
from tests.descriptions import sound

STATIC = Proxy(
    "proxy", ipv4="203.0.113.10", prefix=24, gateway="203.0.113.1", ipv6="2001:db8:10::10", nameservers=["127.0.0.1"]
)


def made(plan: Plan, host: str) -> plain.Server:
    return plain.server(plan.host(host), layout(plan), "ens3", "ssh-ed25519 KEY admin", b"PEM")


def text(server: plain.Server, path: str) -> str:
    (found,) = [file.data.decode() for file in server.files.files if file.path == path]
    return found


def netplan(plan: Plan) -> dict[str, object]:
    found: dict[str, object] = json.loads(text(made(plan, "proxy"), plain.NETPLAN))["network"]["ethernets"]["uplink"]
    return found


def test_a_provider_that_leases_addresses_is_asked_for_one() -> None:
    plan = derive(sound())
    card = netplan(plan)
    assert card["dhcp4"] is True
    assert card["match"] == {"macaddress": uplink_nic(plan.host("proxy")).mac}


def test_a_provider_with_fixed_addresses_has_written_them_down() -> None:
    card = netplan(derive(sound(proxies=[STATIC])))
    assert card["dhcp4"] is False
    assert card["addresses"] == ["203.0.113.10/24", "2001:db8:10::10/64"]
    assert {"to": "default", "via": "203.0.113.1", "on-link": True} in card["routes"]  # type: ignore[operator]


def test_home_is_set_up_as_debians_installer_does() -> None:
    assert "iface ens3 inet dhcp\n" in text(made(derive(sound()), "internal"), plain.INTERFACES)
    home = Internal("internal", ipv4="192.168.1.20", prefix=24, gateway="192.168.1.1", nameservers=["192.168.1.1"])
    fixed = text(made(derive(sound(internal=home)), "internal"), plain.INTERFACES)
    assert f"iface ens3 inet static\n  address {ip_interface('192.168.1.20/24')}\n" in fixed
    assert "default via 192.168.1.1" in fixed


@pytest.mark.parametrize("host", ["proxy", "internal"])
def test_nothing_of_ours_is_there_before_a_deploy(host: str) -> None:
    server = made(derive(sound()), host)
    assert not [file.path for file in server.files.files if "mailnix" in file.path]
    assert "mailnix" not in server.script
    assert text(server, "/etc/hostname") == f"server-{host}\n"


def test_its_archive_has_what_a_deploy_installs_of_debians() -> None:
    wanted = plain.wanted(derive(sound()))
    assert {"caddy", "docker.io", "unbound", "python3"} <= {*wanted}
    assert not [name for name in wanted if name.startswith("mailnix") or "=" in name]


def test_other_packages_are_another_archive() -> None:
    assert build.key(("caddy",)) != build.key(("caddy", "git"))
    assert build.key(("caddy", "git")) == build.key(("git", "caddy"))


def test_each_machine_is_reached_where_it_is_before_it_is_ours() -> None:
    plan = derive(sound())
    assert plain.where(plan, layout(plan)) == {
        "proxy": f"root@{plan.proxies[0].ipv4}",
        "internal": f"root@{layout(plan).home.host4}",
    }
