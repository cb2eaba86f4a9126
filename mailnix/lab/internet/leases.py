"""DHCP: one server for each network that hands out addresses, so that two may be numbered alike.

The private networks are in network namespaces of their own, with nothing in them but the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from attrs import frozen

from mailnix.lab.internet.layout import Layout, Private
from mailnix.tree import Entry, File

FOLDER: Final = "/etc/mailnix-internet/dhcp"
RUN: Final = "/run/mailnix-internet"
STEM: Final = "mailnix-internet-dhcp-"


@frozen
class Lease:
    """What one card is told: its address, the network and the gateway."""

    mac: str
    address: IPv4Address
    network: IPv4Network
    router: IPv4Address


def served(layout: Layout) -> dict[str, tuple[Lease, ...]]:
    """Who gets what on each bridge that anybody gets anything on."""
    found = {
        segment.bridge: tuple(
            Lease(port.far.mac, port.ipv4.ip, port.ipv4.network, port.gateway4) for port in segment.ports if port.lease
        )
        for segment in layout.segments
    }
    home = layout.home
    if home.lease:
        found[home.bridge] = (Lease(home.far.mac, home.host4, home.net4, home.gateway4),)
    return {bridge: leases for bridge, leases in found.items() if leases}


def units(layout: Layout) -> tuple[str, ...]:
    """The servers' units."""
    return tuple(f"{STEM}{name}.service" for name in (*served(layout), *(private.name for private in layout.privates)))


def entries(layout: Layout) -> Iterator[Entry]:
    """Every server's configuration and unit."""
    for bridge, leases in served(layout).items():
        yield File(conf_path(bridge), dnsmasq(bridge, leases, layout.dns.ipv4))
        yield File(f"/etc/systemd/system/{STEM}{bridge}.service", _service(bridge, dnsmasq_words(bridge)))
    for private in layout.privates:
        lease = Lease(private.far.mac, private.host4, private.net4, private.router4)
        yield File(conf_path(private.name), dnsmasq(private.name, (lease,), private.router4))
        yield File(
            f"/etc/systemd/network/20-{private.name}.link",
            f"[Match]\nPermanentMACAddress={private.nic.mac}\n\n[Link]\nName={private.name}\n",
        )
        yield File(f"/etc/systemd/system/{STEM}{private.name}.service", _private_service(private))


def conf_path(name: str) -> str:
    """A server's configuration."""
    return f"{FOLDER}/{name}.conf"


def dnsmasq_words(name: str) -> str:
    """A server's command line."""
    return f"/usr/sbin/dnsmasq --keep-in-foreground --conf-file={conf_path(name)}"


def dnsmasq(name: str, leases: Iterable[Lease], resolver: IPv4Address) -> str:
    """DHCP only: every card always gets the same address."""
    lines = ["port=0", "user=root", f"interface={name}", "bind-dynamic", "dhcp-authoritative", "no-ping"]
    lines += [f"dhcp-leasefile={RUN}/{name}.leases", "pid-file", f"dhcp-option=option:dns-server,{resolver}"]
    for number, lease in enumerate(leases):
        network = lease.network
        lines += [
            f"dhcp-range=set:r{number},{network.network_address},static,{network.netmask},1h",
            f"dhcp-option=tag:r{number},option:router,{lease.router}",
            f"dhcp-host={lease.mac},{lease.address}",
        ]
    return "\n".join(lines) + "\n"


def _service(name: str, command: str, *, before: Iterable[str] = (), after: str = "systemd-networkd.service") -> str:
    prepared = "".join(f"ExecStartPre={words}\n" for words in before)
    return f"""\
[Unit]
Description=DHCP on {name}
After={after}
Wants={after}

[Service]
RuntimeDirectory=mailnix-internet
RuntimeDirectoryPreserve=yes
{prepared}ExecStart={command}
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def _private_service(private: Private) -> str:
    """The card goes into a namespace of its own; it and the card are there already when the server starts again."""
    name, ip = private.name, "/usr/sbin/ip"
    prepare = (
        f"-{ip} netns add {name}",
        f"-{ip} link set {name} netns {name}",
        f"{ip} -n {name} address replace {private.router4}/{private.net4.prefixlen} dev {name}",
        f"{ip} -n {name} link set {name} up",
    )
    command = f"{ip} netns exec {name} {dnsmasq_words(name)}"
    return _service(name, command, before=prepare, after=f"sys-subsystem-net-devices-{name}.device")
