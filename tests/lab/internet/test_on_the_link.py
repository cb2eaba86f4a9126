"""The internet's addresses, routes and translation in a network namespace, and a described proxy's card in another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from mailnix import Proxy
from mailnix.lab.internet.layout import Layout, layout
from mailnix.lab.internet.network import nft
from mailnix.run import run
from tests.lab.internet.places import planned
from tests.services.firewall.namespaces import COUNT, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
PORT = 2525
OUTSIDE = {"gateway": "172.31.1.1", "nameservers": ["185.12.64.1"]}


@contextmanager
def joined(found: Layout) -> Iterator[Network]:
    """Both, with the proxy's default routes over its gateways."""
    (segment,) = found.segments
    (port,) = segment.ports
    here = Network(f"mailnix-{os.getpid()}-{next(COUNT)}-")
    with ExitStack() as stack:
        for name in ("internet", "proxy"):
            run(["ip", "netns", "add", f"{here.prefix}{name}"])
            stack.callback(run, ["ip", "netns", "del", f"{here.prefix}{name}"])
            here.ip(name, "link", "set", "lo", "up")
        here.ip("internet", "link", "add", segment.bridge, "type", "bridge", "forward_delay", "0")
        here.ip("internet", "link", "add", "v0", "type", "veth", "peer", "name", "ens3", "netns", f"{here.prefix}proxy")
        here.ip("internet", "link", "set", "v0", "master", segment.bridge, "up")
        here.ip("internet", "link", "set", segment.bridge, "up")
        here.ip("proxy", "link", "set", "ens3", "up")
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


def test_what_home_dials_leads_to_the_proxy() -> None:
    found = layout(planned(Proxy("one", ipv4="203.0.113.10", endpoint="88.1.2.3", **OUTSIDE)))  # type: ignore[arg-type]
    with joined(found) as here:
        here.listen("proxy", "0.0.0.0", PORT)
        client = str(found.nat.ipv4)
        assert here.connect("internet", "88.1.2.3", PORT, client, seconds=3) == f"I see {client}"
