"""Both tables in the kernel, between network namespaces: who reaches SSH at home, and who does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mailnix import Internal, Proxy
from mailnix.plan import Plan, derive
from mailnix.run import run
from rig.waiting import until
from tests.attacks.marks import Kind, attack
from tests.services.conftest import topology
from tests.services.firewall import namespaces
from tests.services.firewall.namespaces import HOME_LAN, PROXY, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")

NEIGHBOUR = "192.168.1.1"
BY_HOME = derive(topology())
BY_PROXY = derive(topology(internal=Internal("internal", lan_admin_cidrs=[], ssh_via_proxy=True)))
SEALED = derive(
    topology(Proxy("proxy", ipv4=PROXY, sealed=True), internal=Internal("internal", sealed=True), admin_keys=[])
)


def joined(plan: Plan) -> Iterator[Network]:
    """Machines of a plan on which something listens on port 22, on every address."""
    with namespaces.network(plan) as network:
        for name in ("home", "proxy"):
            for address in ("0.0.0.0", "::"):
                network.listen(name, address, 22)
        yield network


@pytest.fixture(scope="module")
def by_home() -> Iterator[Network]:
    yield from joined(BY_HOME)


@pytest.fixture(scope="module")
def by_proxy() -> Iterator[Network]:
    yield from joined(BY_PROXY)


@pytest.fixture(scope="module")
def sealed() -> Iterator[Network]:
    yield from joined(SEALED)


def also(net: Network, name: str, address: str, card: str) -> str:
    """An address that a machine takes for itself."""
    net.ip(name, "addr", "replace", address, "dev", card)
    return address


def test_the_home_network_reaches_it_where_no_network_is_named(by_home: Network) -> None:
    assert by_home.connect("internet", HOME_LAN, 22) == f"I see {NEIGHBOUR}"


def test_also_where_the_card_is_described_by_another_of_its_names() -> None:
    """As networkd and our chooser take it; nft knows the name in use alone."""
    plan = derive(topology(internal=Internal("internal", card="enp0s3")))
    with namespaces.network(plan) as network:
        network.ip("home", "link", "property", "add", "dev", "eth0", "altname", "enp0s3")
        network.listen("home", "0.0.0.0", 22)
        assert network.connect("internet", HOME_LAN, 22) == f"I see {NEIGHBOUR}"


def test_so_does_a_neighbour_by_the_address_that_each_card_gives_itself(by_home: Network) -> None:
    def shown(name: str, *words: str) -> Any:
        found = json.loads(run(["ip", "-n", f"{by_home.prefix}{name}", "-j", *words]).stdout)
        return next(entry for entry in found if "ifindex" in entry)

    listed = shown("home", "-6", "address", "show", "dev", "eth0", "scope", "link")["addr_info"]
    address = next(entry["local"] for entry in listed if "local" in entry)
    target = f"{address}%{shown('internet', 'link', 'show', 'dev', 'to-home')['ifindex']}"
    # The kernel looks for a second or two whether somebody else has such an address.
    until(lambda: by_home.connect("internet", target, 22, seconds=2).startswith("I see fe80::"), "SSH by link-local")


@pytest.mark.parametrize("target", [HOME_LAN, "172.17.0.1", "172.22.1.1", "10.83.119.2", "fd00:17::1"])
@pytest.mark.parametrize("container", ["mailcow", "other"])
@attack(Kind.FIREWALL, right="dropped", source="a container is no neighbour, though its address is private")
def test_no_container_does(by_home: Network, container: str, target: str) -> None:
    assert by_home.connect(container, target, 22) == "dropped"


@attack(Kind.FIREWALL, right="dropped", source="RFC 2827 (BCP 38): whoever owns a proxy chooses its addresses")
def test_nor_the_tunnel_whatever_address_somebody_takes_there(by_home: Network) -> None:
    home = str(BY_HOME.internal.ipv4)
    for source in ("", also(by_home, "proxy", "192.168.1.77", "wg0"), also(by_home, "proxy", "172.22.1.9", "wg0")):
        assert by_home.connect("proxy", home, 22, source) == "dropped", source
    by_home.ip("proxy", "route", "replace", HOME_LAN, "dev", "wg0")
    assert by_home.connect("proxy", HOME_LAN, 22) == "dropped"


def test_a_proxy_leads_there_where_that_is_described(by_proxy: Network) -> None:
    seen = by_proxy.connect("proxy", str(BY_PROXY.internal.ipv4), 22)
    assert seen == f"I see {BY_PROXY.tunnels[0].proxy.ipv4}"


def test_answers_find_back_by_their_mark_alone(by_proxy: Network) -> None:
    link = BY_PROXY.tunnels[0]
    for kind in ("all", link.internal.interface):  # as networkd sets it
        run(["ip", "netns", "exec", f"{by_proxy.prefix}home", "sysctl", "-qw", f"net.ipv4.conf.{kind}.rp_filter=2"])
    by_proxy.ip("home", "route", "del", str(link.proxy.ipv4))
    by_proxy.ip("home", "rule", "add", "fwmark", str(link.mark), "table", str(link.table), "priority", "100")
    by_proxy.ip("home", "route", "add", "default", "dev", link.internal.interface, "table", str(link.table))
    assert by_proxy.connect("proxy", str(link.internal.ipv4), 22).startswith("I see")


@attack(Kind.FIREWALL, right="dropped", source="a jump host leads to one address and port, by its own address")
def test_nothing_else_comes_that_way(by_proxy: Network) -> None:
    home = str(BY_PROXY.internal.ipv4)
    assert by_proxy.connect("proxy", home, 22, also(by_proxy, "proxy", "10.83.119.77", "wg0")) == "dropped"
    by_proxy.ip("proxy", "route", "replace", HOME_LAN, "dev", "wg0")
    assert by_proxy.connect("proxy", HOME_LAN, 22) == "dropped"
    by_proxy.listen("home", home, 2222)
    assert by_proxy.connect("proxy", home, 2222) == "dropped"


def test_nor_does_the_home_network_where_it_is_not_named(by_proxy: Network) -> None:
    assert by_proxy.connect("internet", HOME_LAN, 22) == "dropped"


def test_nobody_reaches_a_sealed_machine(sealed: Network) -> None:
    for target in (HOME_LAN, PROXY):
        assert sealed.connect("internet", target, 22) == "dropped"
    assert sealed.connect("proxy", str(SEALED.internal.ipv4), 22) == "dropped"
