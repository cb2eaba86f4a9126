"""The tunnel's numbers: port, MTU, keepalive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mailnix.model import ports
from mailnix.model.checks.found import Found
from mailnix.model.clientport import OFFERED, ClientPort
from mailnix.model.topology import Topology, Tunnel

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
    """Check the tunnel's numbers; `clients` are the ports that mail programs connect to."""
    if isinstance(topology.tunnel, Tunnel):
        _tunnel(topology.tunnel, found, _OWN_PORTS | {client.port: client.purpose for client in clients})


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
