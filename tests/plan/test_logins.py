"""How people log in, as the command that they type."""

from __future__ import annotations

import pytest

from mailnix import Internal, Proxy, Topology
from mailnix.plan import derive
from tests.descriptions import PUBLIC4, sound


def commands(topology: Topology) -> list[tuple[str, str]]:
    return [(login.host, login.command) for login in derive(topology).logins]


BY_PROXY = ("internal", f"ssh -J root@{PUBLIC4} root@10.83.119.2")
AT_HOME = ("internal", "ssh root@ADDRESS")
PROXY = ("proxy", f"ssh root@{PUBLIC4}")


@pytest.mark.parametrize(
    ("internal", "ways"),
    [
        (Internal("internal"), [PROXY, AT_HOME]),
        (Internal("internal", ssh_via_proxy=True), [PROXY, AT_HOME, BY_PROXY]),
        (Internal("internal", lan_admin_cidrs=[], ssh_via_proxy=True), [PROXY, BY_PROXY]),
        (
            Internal("internal", ipv4="192.168.1.20", gateway="192.168.1.1", nameservers=["192.168.1.1"]),
            [PROXY, ("internal", "ssh root@192.168.1.20")],
        ),
        (Internal("internal", sealed=True), [PROXY]),
    ],
    ids=["from home", "both", "by the proxy", "a static address", "sealed"],
)
def test_each_way_in_is_a_command(internal: Internal, ways: list[tuple[str, str]]) -> None:
    assert commands(sound(internal=internal)) == ways


def test_a_sealed_proxy_leads_nowhere() -> None:
    proxies = [Proxy("east", ipv4=PUBLIC4, sealed=True), Proxy("west", ipv4="5.9.100.2")]
    found = commands(sound(proxies=proxies, internal=Internal("internal", lan_admin_cidrs=[], ssh_via_proxy=True)))
    assert [host for host, _ in found] == ["west", "internal"]
    assert found[1][1].startswith("ssh -J root@5.9.100.2 root@10.83.119.")


def test_who_comes_from_where_is_said() -> None:
    limited = [Proxy("proxy", ipv4=PUBLIC4, admin_cidrs=["192.0.2.0/24"])]
    logins = derive(sound(proxies=limited, internal=Internal("internal", lan_admin_cidrs=["192.168.1.0/24"]))).logins
    assert [login.source for login in logins] == ["192.0.2.0/24", "home, if in 192.168.1.0/24"]
