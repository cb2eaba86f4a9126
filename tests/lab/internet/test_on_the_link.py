"""The internet's addresses, routes and translation in a network namespace, and a described proxy's card in another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from mailnix import Internal, Proxy, Tunnel
from mailnix.lab.internet.layout import Layout, layout
from mailnix.lab.internet.network import nft
from mailnix.run import run
from tests.lab.internet.places import planned
from tests.services.firewall.namespaces import COUNT, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
PORT = 2525
HOST6 = 0x5054
FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
NAMES = ("internet", "proxy", "home")
OUTSIDE = {"gateway": "172.31.1.1", "nameservers": ["185.12.64.1"]}


@contextmanager
def joined(found: Layout) -> Iterator[Network]:
    """Both, with the proxy's default routes over its gateways."""
    (segment,) = found.segments
    (port,) = segment.ports
    here = Network(f"mailnix-{os.getpid()}-{next(COUNT)}-")
    with ExitStack() as stack:
        for name in NAMES:
            run(["ip", "netns", "add", f"{here.prefix}{name}"])
            stack.callback(run, ["ip", "netns", "del", f"{here.prefix}{name}"])
            here.ip(name, "link", "set", "lo", "up")
        for bridge, name in ((segment.bridge, "proxy"), (found.home.bridge, "home")):
            plug(here, bridge, name)
        run(["ip", "netns", "exec", f"{here.prefix}internet", "sysctl", "-qw", *FORWARDING])
        reach_home(here, found)
        for interface in segment.addresses:
            here.ip("internet", "address", "add", str(interface), "dev", segment.bridge, *nodad(interface))
        for address in port.addresses:
            here.ip("internet", "route", "add", str(address), "dev", segment.bridge)
        for address in (*(a for identity in found.identities for a in identity.addresses), *found.resolvers):
            here.ip("internet", "address", "add", f"{address}/{address.max_prefixlen}", "dev", "lo", *nodad(address))
        for interface in (port.ipv4, *port.proxy.uplink.addresses):
            here.ip("proxy", "address", "replace", str(interface), "dev", "ens3", *nodad(interface))
        for gateway in (port.gateway4, port.gateway6):
            if gateway is not None:
                family = "-6" if gateway.version == 6 else "-4"
                here.ip("proxy", family, "route", "add", "default", "via", str(gateway), "dev", "ens3", "onlink")
        here.nft("internet", nft(found))
        yield here
        for server in here.servers:
            server.close()


def plug(here: Network, bridge: str, name: str) -> None:
    """A bridge in the internet with one cable, which leads to a machine's card."""
    here.ip("internet", "link", "add", bridge, "type", "bridge", "forward_delay", "0")
    here.ip("internet", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "ens3", "netns", here.prefix + name)
    here.ip("internet", "link", "set", f"v-{name}", "master", bridge, "up")
    here.ip("internet", "link", "set", bridge, "up")
    here.ip(name, "link", "set", "ens3", "up")


def reach_home(here: Network, found: Layout) -> None:
    """The home router's addresses, and a machine that has its described or leased one, and one of its own making."""
    home = found.home
    for interface in home.addresses:
        here.ip("internet", "address", "add", str(interface), "dev", home.bridge)
    here.ip("internet", "route", "add", str(home.host4), "dev", home.bridge)
    here.ip("home", "address", "add", f"{home.host4}/{home.net4.prefixlen}", "dev", "ens3")
    here.ip("home", "route", "add", "default", "via", str(home.gateway4), "dev", "ens3", "onlink")
    if home.net6 is not None:
        length = home.net6.prefixlen
        here.ip("internet", "address", "add", f"{home.gateway6}/{length}", "dev", home.bridge, "nodad")
        here.ip("home", "address", "add", f"{home.net6[HOST6]}/{length}", "dev", "ens3", "nodad")
        here.ip("home", "-6", "route", "add", "default", "via", str(home.gateway6), "dev", "ens3")


def nodad(address: Any) -> tuple[str, ...]:
    return ("nodad",) if address.version == 6 else ()


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"gateway": "203.0.113.1", "prefix": 24, "nameservers": ["9.9.9.9"]}, "203.0.113.10"),
        (OUTSIDE, "203.0.113.10"),
        ({"card_ipv4": "10.0.0.9"}, "203.0.113.10"),
        ({"card_ipv4": "10.0.0.9", "gateway": "10.0.0.1", "prefix": 24, "nameservers": ["10.0.0.2"]}, "203.0.113.10"),
        ({"private_networks": ["10.0.0.0/16"]}, "203.0.113.10"),
        ({"floating": True}, "203.0.113.11"),  # the main address, where nobody says which
    ],
    ids=["inside", "outside", "translated", "translated, static", "translated, chosen", "floating"],
)
def test_the_proxy_is_reached_by_its_public_address_and_comes_from_it(said: dict[str, Any], seen: str) -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", **said)))
    with joined(found) as here:
        here.listen("proxy", "0.0.0.0", PORT)
        here.listen("internet", "0.0.0.0", PORT)
        client = str(found.client.ipv4)
        assert here.connect("internet", "203.0.113.10", PORT, client, seconds=3) == f"I see {client}"
        assert here.connect("proxy", str(found.mx.ipv4), PORT, seconds=3) == f"I see {seen}"


def test_over_ipv6_a_gateway_that_is_known_by_its_link_local_address_does() -> None:
    proxy = Proxy("one", "203.0.113.10", "2001:db8:5:6::1", gateway6="fe80::1", prefix6=128, **OUTSIDE)  # type: ignore[arg-type]
    found = layout(planned(proxy))
    with joined(found) as here:
        here.listen("proxy", "::", PORT)
        here.listen("internet", "::", PORT)
        client = str(found.client.ipv6)
        assert here.connect("internet", "2001:db8:5:6::1", PORT, client, seconds=3) == f"I see {client}"
        assert here.connect("proxy", str(found.mx.ipv6), PORT, seconds=3) == "I see 2001:db8:5:6::1"


@pytest.mark.parametrize("dialled", ["203.0.113.10", "88.1.2.3"])
@pytest.mark.parametrize("lan", ["10.0.0.0/24", "10.0.0.0/8", "192.168.178.0/24"])
def test_home_reaches_the_proxy_behind_its_router_and_nobody_reaches_home(dialled: str, lan: str) -> None:
    proxy = Proxy("one", ipv4="203.0.113.10", card_ipv4="10.0.0.9", endpoint=dialled)
    found = layout(planned(proxy, internal=Internal("internal", lan=lan)))
    with joined(found) as here:
        here.listen("proxy", "0.0.0.0", PORT)
        here.listen("home", "0.0.0.0", PORT)
        assert here.connect("home", dialled, PORT, seconds=3) == f"I see {found.nat.ipv4}"
        assert here.connect("proxy", str(found.home.host4), PORT) == "dropped"


def test_over_ipv6_home_has_an_address_of_its_own_that_nobody_reaches() -> None:
    proxy = Proxy("one", "203.0.113.10", "2001:db8:5:6::1", gateway6="fe80::1", **OUTSIDE)  # type: ignore[arg-type]
    found = layout(planned(proxy, tunnel=Tunnel(over="ipv6")))
    assert found.home.net6 is not None
    own = str(found.home.net6[HOST6])
    with joined(found) as here:
        here.listen("proxy", "::", PORT)
        here.listen("home", "::", PORT)
        assert here.connect("home", "2001:db8:5:6::1", PORT, seconds=3) == f"I see {own}"
        assert here.connect("proxy", own, PORT) == "dropped"
