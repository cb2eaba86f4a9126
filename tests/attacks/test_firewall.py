"""Both machines' tables in the kernel: what somebody in a wrong place can reach. Everything there listens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import frozen

from mailnix.model import ports
from mailnix.plan import derive
from tests.attacks.marks import Kind, attacks
from tests.services.conftest import topology
from tests.services.firewall import namespaces
from tests.services.firewall.namespaces import HOME_LAN, PROXY, PROXY6, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")

PLAN = derive(topology())
LINK, HOME = PLAN.tunnels[0], PLAN.internal
CONTAINER, CONTAINER6 = str(HOME.docker_subnet[253]), str(HOME.docker_subnet6[253])
CADDY_ADMIN, DATABASE, ANY = 2019, 3306, 9999
DROPPED, SERVED = "dropped", "I see"
INTERNET, STRANGER, LAN = "internet", "198.51.100.77", "192.168.1.1"


@frozen
class Probe:
    """A connection: where from, whereto, and what is right."""

    place: str
    target: str
    port: int
    right: str = DROPPED
    source: str = ""
    whom: str = ""

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.whom or self.place} to {NAMES.get(self.target, self.target)}, port {self.port}"


NAMES = {
    PROXY: "the proxy",
    PROXY6: "the proxy over IPv6",
    HOME_LAN: "home's address at home",
    LAN: "another machine at home",
    CONTAINER: "Mailcow's container",
    CONTAINER6: "Mailcow's container over IPv6",
    str(LINK.proxy.ipv4): "the proxy's tunnel address",
    str(LINK.proxy.ipv6): "the proxy's tunnel address over IPv6",
    str(LINK.internal.ipv4): "home's tunnel address",
    str(LINK.internal.ipv6): "home's tunnel address over IPv6",
}
PROXY_IN, PROXY_IN6 = str(LINK.proxy.ipv4), str(LINK.proxy.ipv6)
HOME_IN, HOME_IN6 = str(LINK.internal.ipv4), str(LINK.internal.ipv6)
BY_LAN = {"source": LAN, "whom": "a neighbour at home"}
PROBES = (
    *(Probe(INTERNET, PROXY, port, source=STRANGER) for port in (CADDY_ADMIN, ports.RELAY, ports.MAILCOW_HTTP, ANY)),
    *(Probe(INTERNET, PROXY6, port) for port in (CADDY_ADMIN, ports.RELAY, ANY)),
    *(Probe(INTERNET, PROXY_IN, port, source=STRANGER) for port in (ports.RELAY, CADDY_ADMIN)),
    *(Probe(INTERNET, PROXY_IN6, port) for port in (ports.RELAY, CADDY_ADMIN)),
    *(Probe(INTERNET, HOME_IN, port, source=STRANGER) for port in (ports.SMTP, 465, ports.MAILCOW_HTTP, DATABASE)),
    *(Probe(INTERNET, HOME_IN6, port) for port in (ports.SMTP, 465)),
    *(Probe(INTERNET, CONTAINER, port, source=LAN, whom="a neighbour at home") for port in (465, DATABASE)),
    *(Probe(INTERNET, HOME_LAN, port, **BY_LAN) for port in (ports.SMTP, 465, ports.HTTP, ANY)),
    Probe(INTERNET, HOME_LAN, ports.SSH, SERVED, **BY_LAN),
    *(Probe("proxy", HOME_IN, port) for port in (ports.SSH, DATABASE, ANY)),
    *(Probe("proxy", HOME_IN6, port) for port in (ports.SSH, DATABASE, ANY)),
    *(Probe("proxy", CONTAINER, port) for port in (ports.SMTP, 465, DATABASE)),
    *(Probe("proxy", HOME_LAN, port) for port in (ports.SSH, ANY)),
    Probe("proxy", LAN, ANY),
    *(Probe("home", PROXY_IN, port) for port in (ports.SMTP, ports.HTTP, CADDY_ADMIN)),
    *(Probe("home", PROXY_IN6, port) for port in (ports.SMTP, ports.RELAY, CADDY_ADMIN)),
    *(Probe("mailcow", PROXY_IN, port) for port in (ports.SMTP, ports.HTTP, CADDY_ADMIN)),
    Probe("home", PROXY_IN, ports.RELAY, SERVED),
    Probe(INTERNET, PROXY, ports.SMTP, SERVED, STRANGER),
)


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with namespaces.network(PLAN) as network:
        listening = {
            "proxy": ("0.0.0.0", "::", (ports.SMTP, ports.HTTP, ports.RELAY, ports.MAILCOW_HTTP, CADDY_ADMIN, ANY)),
            "home": ("0.0.0.0", "::", (ports.SSH, ports.SMTP, ports.HTTP, 465, ports.MAILCOW_HTTP, DATABASE, ANY)),
            "mailcow": ("0.0.0.0", "::", (ports.SMTP, 465, DATABASE)),
            INTERNET: ("0.0.0.0", "::", (ANY,)),
        }
        for place, (address, address6, open_ports) in listening.items():
            for port in open_ports:
                network.listen(place, address, port)
                network.listen(place, address6, port)
        network.ip(INTERNET, "addr", "add", STRANGER, "dev", "lo")
        for target in (PROXY_IN, HOME_IN):  # as if the internet's routers brought private addresses
            network.ip(INTERNET, "route", "add", target, "via", PROXY)
        for target in (PROXY_IN6, HOME_IN6):
            network.ip(INTERNET, "-6", "route", "add", target, "via", PROXY6)
        for target in (CONTAINER, "192.168.1.0/24"):  # as a proxy would that was taken over
            network.ip("proxy", "route", "add", target, "via", HOME_IN, "dev", LINK.proxy.interface, "onlink")
        yield network


@pytest.mark.parametrize(
    "probe",
    attacks(
        Kind.FIREWALL,
        PROBES,
        name=lambda probe: probe.name,
        right=lambda probe: {DROPPED: "dropped", SERVED: "served"}[probe.right],
        source="the plan's listeners and flows; overview.md",
    ),
)
def test_only_what_is_meant_is_reached(net: Network, probe: Probe) -> None:
    seen = net.connect(probe.place, probe.target, probe.port, probe.source)
    assert seen.startswith(probe.right), seen


def test_the_probes_would_see_an_open_door(net: Network) -> None:
    """Without the tables what they must not reach answers, so that they can fail."""
    for place in ("proxy", "home"):
        net.nft(place, "delete table inet mailnix\n")
    reached = [net.connect(probe.place, probe.target, probe.port, probe.source) for probe in PROBES]
    assert [probe.name for probe, seen in zip(PROBES, reached, strict=True) if not seen.startswith(SERVED)] == []
