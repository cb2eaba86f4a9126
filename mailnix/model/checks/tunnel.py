"""How the tunnel travels: port, MTU, keepalive, and whom the machine at home dials."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Final

from mailnix.model import ports, wireguard
from mailnix.model.checks.found import Found, domain_names, each
from mailnix.model.names import domain_problem
from mailnix.model.net import Address, is_documentation, not_public
from mailnix.model.topology import Family, Proxy, Topology, Tunnel

MTU_MIN: Final = 1280  # RFC 8200 5: what IPv6 needs
MTU_MAX: Final = 1500
KEEPALIVE_MAX: Final = 65535
KEEPALIVE_NAT: Final = 120  # seconds; home routers forget a UDP flow after two or three minutes

UDP_TAKEN: Final[Mapping[int, str]] = {
    ports.DNS: "the resolver",  # on loopback only, but WireGuard wants every address
    ports.DHCP: "the DHCP client",
    ports.NTP: "time sync, and providers filter it: it is abused for reflection",
    ports.DHCPV6: "the DHCPv6 client",
}
"""UDP ports of a proxy. Those of TCP are other ports (RFC 768): 443 is a favourite where networks let little out."""

_UNREACHABLE: Final = ("unspecified", "loopback", "link-local", "multicast", "reserved", "IPv6 form")


def check(topology: Topology, found: Found) -> None:
    """Check the tunnel's numbers, and each proxy's endpoint."""
    if not isinstance(topology.tunnel, Tunnel):
        return
    _port(topology.tunnel.port, found)
    _mtu(topology.tunnel, found)
    _keepalive(topology.tunnel.keepalive, found)
    if isinstance(topology.tunnel.over, Family):
        _endpoints(topology, topology.tunnel.over, found)


def _port(port: object, found: Found) -> None:
    if not isinstance(port, int):
        return
    if not 1 <= port <= 65535:
        found.error("tunnel.port", f"{port} is not a UDP port", "leave it out for 51820")
    elif port in UDP_TAKEN:
        message = f"UDP port {port} is taken on the proxy by {UDP_TAKEN[port]}"
        found.error("tunnel.port", message, "leave it out for 51820, or try 443")


def _mtu(tunnel: Tunnel, found: Found) -> None:
    if not isinstance(tunnel.mtu, int) or not isinstance(tunnel.over, Family):
        return
    whole = wireguard.mtu(wireguard.ETHERNET, tunnel.over)
    if not MTU_MIN <= tunnel.mtu <= MTU_MAX:
        found.error("tunnel.mtu", f"{tunnel.mtu} is not between {MTU_MIN} and {MTU_MAX}", "leave it out for 1420")
    elif tunnel.mtu > whole:
        found.warning("tunnel.mtu", f"packets of {tunnel.mtu} bytes are sent in two pieces", f"use at most {whole}")


def _keepalive(keepalive: object, found: Found) -> None:
    if not isinstance(keepalive, int):
        return
    if not 1 <= keepalive <= KEEPALIVE_MAX:
        message = f"{keepalive} seconds keep no tunnel alive, and only home can open it"
        found.error("tunnel.keepalive", message, "leave it out for 25")
    elif keepalive > KEEPALIVE_NAT:
        found.warning("tunnel.keepalive", "home routers forget a connection sooner", "use 25 seconds")


def _endpoints(topology: Topology, over: Family, found: Found) -> None:
    dialled: dict[str, str] = {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        at = f"{path}.endpoint"
        if proxy.endpoint is None:
            if over is Family.IPV6 and proxy.ipv6 is None:
                message = "there is none, and the tunnel goes over IPv6"
                found.error(f"{path}.ipv6", message, 'give it, or leave over="ipv6" out')
            text = proxy.ipv6 if over is Family.IPV6 else proxy.ipv4
        else:
            text = proxy.endpoint
            _endpoint(topology, proxy, over, at, found)
            if over is Family.IPV6 and found.sound(at) and not _has_ipv6(proxy):
                message = f"the proxy has no IPv6 address: what comes to {text} by IPv6 does not reach it by itself"
                found.warning(at, message, "give ipv6, too, unless something there hands the tunnel on over IPv4")
        if not isinstance(text, str):
            continue
        if text in dialled:
            found.error(at, f"{text} is what is dialled for {dialled[text]} already", "each proxy needs its own")
        dialled.setdefault(text, path)


def _has_ipv6(proxy: Proxy) -> bool:
    """Without a described one the machine has none: it takes no advertised address."""
    return proxy.ipv6 is not None or any(":" in str(extra) for extra in proxy.extra_addresses)


def _endpoint(topology: Topology, proxy: Proxy, over: Family, path: str, found: Found) -> None:
    if not isinstance(proxy.endpoint, str):
        return
    try:
        _address(ip_address(proxy.endpoint), over, path, found)
    except ValueError:
        _name(topology, proxy, over, path, found)


def _address(address: Address, over: Family, path: str, found: Found) -> None:
    family = Family.IPV6 if isinstance(address, IPv6Address) else Family.IPV4
    kind = not_public(address) or ""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        found.error(path, f"{address} names an interface", "leave out what follows the %")
    elif family is not over:
        hint = f'write tunnel=Tunnel(over="{family}"), or an address of the other family'
        found.error(path, f"{address} is not reached over {over}, which the tunnel goes over", hint)
    elif any(word in kind for word in _UNREACHABLE):
        found.error(path, f"{address} is {kind}: the machine at home does not reach it", "give the proxy's address")
    elif kind:
        # Both may be in one network, or a VPN may lie between: nothing that a description tells.
        hint = "leave it so where the machine at home is in that network"
        found.warning(path, f"{address} is {kind}, and not reached over the internet", hint)
    elif is_documentation(address):
        found.warning(path, f"{address} is for examples only", "put in the address that home is to dial")


def _name(topology: Topology, proxy: Proxy, over: Family, path: str, found: Found) -> None:
    name = str(proxy.endpoint)
    host = _without_port(name)
    everybodys = (topology.hostname, *(former for _, former in each(topology.former_hostnames, str, "")))
    if host is not None:
        found.error(path, f"{name!r} has a port or brackets", f'write "{host}"; the port is tunnel=Tunnel(port=…)')
    elif (problem := domain_problem(name)) is not None:
        found.error(path, problem, "write a name such as vpn.example.org, or an address")
    elif name in everybodys and len(topology.proxies) > 1:
        found.error(path, f"{name} leads to every proxy", "give each an endpoint that is its own, or leave it out")
    elif name != proxy.hostname and name in _hostnames(topology):
        found.error(
            path, f"{name} is another proxy's hostname", "give each an endpoint that is its own, or leave it out"
        )
    elif name in (*everybodys, proxy.hostname):
        if over is Family.IPV6 and proxy.ipv6 is None:
            found.error(path, f"{name} has no IPv6 address, and the tunnel goes over IPv6", "give ipv6, too")
    elif any(name == domain or name.endswith(f".{domain}") for domain in domain_names(topology)):
        message = f"{name} is not among the records that mailnix prints, for its address may change"
        found.warning(path, message, "publish it yourself, beside them")


def _hostnames(topology: Topology) -> set[str]:
    """What proxies call themselves, where that is not what clients connect to."""
    names = {proxy.hostname for _, proxy in each(topology.proxies, Proxy, "proxies") if proxy.hostname is not None}
    return names - {topology.hostname}


def _without_port(text: str) -> str | None:
    """The host in `host:port`, `[address]:port` or `[address]`; None for what is none of them."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, port = text.partition(":")
    return host if colon and port.isdigit() else None
