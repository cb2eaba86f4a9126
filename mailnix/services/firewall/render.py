"""The nftables table of each machine, without its braces: NixOS and Debian wrap the same text.

Policy drop on input and forward; a packet must pass every table, so Docker's and Mailcow's own stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from mailnix.formats.text import template
from mailnix.model import ports
from mailnix.model.net import mac
from mailnix.plan import HostPlan, InternalPlan, ProxyPlan, Reach, Transport
from mailnix.plan.types import Network, Uplink

TABLE: Final = "mailnix"
FAMILY: Final = "inet"
BRIDGE: Final = "br-mailcow"  # named by Mailcow's docker-compose.yml
HOME_CARDS: Final = ("en*", "eth*", "wl*", "bond*", "br0")
"""What leads to the home network, whatever card is named: cards, two as one, the usual bridge over one. Docker's
bridges are docker0 and br- with twelve hexadecimal digits."""
SMTP_RATE: Final = 60  # new connections a minute and client
SMTP_BURST: Final = 120
SMTP_SITES: Final = 5  # clients' shares for an IPv6 /48
SMTP_NEWCOMERS: Final = 10  # connections a second of clients that no set has room for, and burst
SMTP_NEWCOMERS_BURST: Final = 100
SMTP_COUNTED: Final = 1  # connection mark
UNIT_USERS: Final = "61184-65519"
"""Whom systemd gives to units with DynamicUser=, at home mailcow-bans.service (systemd, docs/UIDS-GIDS.md). A number is
not known before the unit runs."""
HEADERS: Final = 60  # bytes of IPv6 and TCP headers that the MTU has and the MSS has not

# IANA's special-purpose registries (RFC 6890), without networks for documentation, which our own machines stand in when
# they are tried out. 64:ff9b::/96 is somebody: an IPv4 client before a machine without IPv4.
NOBODY4: Final = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "198.18.0.0/15",
    "224.0.0.0/3",
)
NOBODY6: Final = ("::/96", "::ffff:0:0/96", "100::/64", "fec0::/10", "ff00::/8")
PRIVATE4: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
PRIVATE6: Final = ("fc00::/7", "fe80::/10")


def table(host: HostPlan) -> str:
    """The table's body: sets and chains."""
    match host:
        case ProxyPlan():
            text = template("firewall", "proxy.nft.j2", **_proxy(host))
        case InternalPlan():
            text = template("firewall", "internal.nft.j2", **_internal(host))
    return re.sub(r"\n{2,}(?= {4}|  })", "\n", text.strip("\n")) + "\n"


def script(host: HostPlan) -> str:
    """A file for `nft -f` that replaces our table in one transaction and touches no other."""
    name = f"{FAMILY} {TABLE}"
    return f"table {name}\ndelete table {name}\ntable {name} {{\n{table(host)}}}\n"


def _admin(networks: Iterable[Network]) -> dict[str, list[str]]:
    texts: dict[int, list[str]] = {4: [], 6: []}
    for network in networks:
        texts[network.version].append(str(network))
    return {"admin4": texts[4], "admin6": texts[6]}


def _proxy(host: ProxyPlan) -> dict[str, object]:
    link = host.tunnel
    public = [e.port for e in host.listeners if e.reach is Reach.INTERNET and e.transport is Transport.TCP]
    return {
        **_admin(host.admin_networks),
        "sealed": host.sealed,
        "tunnel": link.proxy.interface,
        "proxy4": link.proxy.ipv4,
        "internal4": link.internal.ipv4,
        "internal6": link.internal.ipv6,
        "has_ipv6": host.ipv6 is not None,
        "wireguard_port": link.port,
        "ssh_port": ports.SSH,
        "smtp_port": ports.SMTP,
        "bans_port": ports.BANS,
        "tunnel_ports": [e.port for e in host.listeners if e.reach is Reach.TUNNEL],
        "web_ports": [ports.HTTP, ports.HTTPS],
        "public_ports": public,
        "client_ports": [forward.port for forward in host.forwards],
        "smtp_rate": SMTP_RATE,
        "smtp_burst": SMTP_BURST,
        "smtp_site_rate": SMTP_RATE * SMTP_SITES,
        "smtp_site_burst": SMTP_BURST * SMTP_SITES,
        "smtp_memory": SMTP_BURST * 60 // SMTP_RATE,
        "newcomers": SMTP_NEWCOMERS,
        "newcomers_burst": SMTP_NEWCOMERS_BURST,
        "counted": SMTP_COUNTED,
        "nobody4": (*NOBODY4, link.proxy.ipv4, link.internal.ipv4, host.containers4),
        "nobody6": (*NOBODY6, link.proxy.ipv6, link.internal.ipv6, host.containers6),
        "private4": PRIVATE4,
        "private6": PRIVATE6,
        "mss": link.mtu - HEADERS,
    }


def _internal(host: InternalPlan) -> dict[str, object]:
    names = [link.internal.interface for link in host.tunnels]
    return {
        **_admin(host.lan_admin_networks),
        "cards": _quoted(_home_cards(host.uplink)),
        "jumps": [link for link in host.tunnels if link.proxy.host in host.jump_hosts],
        "tunnels": host.tunnels,
        "tunnel_names": _quoted(names),
        "bridge": BRIDGE,
        "docker4": host.docker_subnet,
        "docker6": host.docker_subnet6,
        "marks": [link.mark for link in host.tunnels],
        "ssh_port": ports.SSH,
        "smtp_port": ports.SMTP,
        "proxy_ports": [ports.SMTP, ports.MAILCOW_HTTP],
        "relay_port": ports.RELAY,
        "bans_port": ports.BANS,
        "unit_users": UNIT_USERS,
        "client_ports": [client.port for client in host.client_ports],
        "clients4": host.lan_client_networks,
        "home_ports": [*(client.port for client in host.client_ports), ports.MAILCOW_HTTPS],
        "mss": min(link.mtu for link in host.tunnels) - HEADERS,
    }


def _home_cards(uplink: Uplink) -> tuple[str, ...]:
    """Names as nft matches them: the name in use alone.

    A MAC is none, and a described name may be another name of the card (systemd.link(5), AlternativeName=), which
    networkd takes as well. So what is described opens a card to the home network and closes none.
    """
    usual = uplink.card is None or mac(uplink.card) or any(fnmatchcase(uplink.card, pattern) for pattern in HOME_CARDS)
    return HOME_CARDS if usual else (str(uplink.card), *HOME_CARDS)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
