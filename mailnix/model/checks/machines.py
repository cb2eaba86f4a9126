"""The machines: their names, the proxies' host names, the tunnel's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mailnix.model import ports
from mailnix.model.checks.found import Found, each
from mailnix.model.clientport import OFFERED, ClientPort
from mailnix.model.names import host_problem, machine_problem
from mailnix.model.topology import Internal, Proxy, Topology, Tunnel

MTU_MIN: Final = 1280  # RFC 8200 5: what IPv6 needs
MTU_MAX: Final = 1500
MTU_WHOLE: Final = 1440  # what fits a 1500-byte link under WireGuard over IPv4 (60 bytes)
KEEPALIVE_MAX: Final = 65535
KEEPALIVE_NAT: Final = 120  # seconds; home routers forget a UDP flow after two or three minutes
_OWN_PORTS: Final = {
    ports.SSH: "SSH",
    ports.SMTP: "SMTP",
    ports.DNS: "DNS",
    68: "the DHCP client",
    ports.HTTP: "the web server",
    ports.NTP: "time sync",
    ports.HTTPS: "the web server",
    546: "the DHCPv6 client",
    ports.RELAY: "the outbound relay",
}


def check(topology: Topology, found: Found, clients: Iterable[ClientPort] = OFFERED) -> None:
    """Check what is not an address or a network; `clients` are the ports that mail programs connect to."""
    _names(topology, found)
    _hostnames(topology, found)
    if isinstance(topology.tunnel, Tunnel):
        _tunnel(topology.tunnel, found, _OWN_PORTS | {client.port: client.purpose for client in clients})


def _names(topology: Topology, found: Found) -> None:
    if isinstance(topology.proxies, tuple) and not topology.proxies:
        found.error("proxies", "there is no proxy", 'add one: proxies=[Proxy("proxy", ipv4=…)]')
    named = [(f"{path}.name", proxy.name) for path, proxy in each(topology.proxies, Proxy, "proxies")]
    if isinstance(topology.internal, Internal):
        named.append(("internal.name", topology.internal.name))
    seen: dict[str, str] = {}
    for path, name in named:
        problem = machine_problem(name)
        if problem is not None:
            found.error(path, problem)
        elif name in seen:
            found.error(path, f"{name!r} is the name of {seen[name].removesuffix('.name')} already", "choose another")
        else:
            seen[name] = path


def _hostnames(topology: Topology, found: Found) -> None:
    """Each proxy calls itself by a name whose address and reverse name are its own alone."""
    explicit: dict[str, str] = {}
    shared: str | None = None
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        at = f"{path}.hostname"
        name = proxy.hostname
        if name is None or name == topology.hostname:
            if shared is not None:
                message = f"calls itself {topology.hostname}, as {shared} does"
                found.warning(at, message, "give each proxy a hostname of its own: its MX, EHLO and PTR name")
            shared = shared or path
        elif (problem := host_problem(name)) is not None:
            found.error(at, problem)
        elif name in explicit:
            found.error(at, f"{name} is the hostname of {explicit[name]} already", "choose another")
        else:
            explicit[name] = path


def _tunnel(tunnel: Tunnel, found: Found, taken: Mapping[int, str]) -> None:
    if isinstance(tunnel.port, int):
        if not 1 <= tunnel.port <= 65535:
            found.error("tunnel.port", f"{tunnel.port} is not a UDP port", "leave it out for 51820")
        elif tunnel.port in taken:
            message = f"{tunnel.port} is taken on the proxy by {taken[tunnel.port]}"
            found.error("tunnel.port", message, "leave it out for 51820")
    if isinstance(tunnel.mtu, int):
        if not MTU_MIN <= tunnel.mtu <= MTU_MAX:
            found.error("tunnel.mtu", f"{tunnel.mtu} is not between {MTU_MIN} and {MTU_MAX}", "leave it out for 1420")
        elif tunnel.mtu > MTU_WHOLE:
            found.warning(
                "tunnel.mtu", f"packets of {tunnel.mtu} bytes are sent in two pieces", f"use at most {MTU_WHOLE}"
            )
    if isinstance(tunnel.keepalive, int):
        if not 1 <= tunnel.keepalive <= KEEPALIVE_MAX:
            message = f"{tunnel.keepalive} seconds keep no tunnel alive, and only home can open it"
            found.error("tunnel.keepalive", message, "leave it out for 25")
        elif tunnel.keepalive > KEEPALIVE_NAT:
            found.warning("tunnel.keepalive", "home routers forget a connection sooner", "use 25 seconds")
