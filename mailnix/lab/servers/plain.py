"""A Debian 13 server as somebody else sets it up: at home by Debian's installer, at a provider by netplan. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Interface, IPv6Address
from typing import Any, Final

from attrs import frozen

from mailnix.debian.host import debian_host
from mailnix.debian.package import generation
from mailnix.debian.packages import CLOUD_KERNEL
from mailnix.lab.internet.cards import uplink_nic
from mailnix.lab.internet.layout import Layout
from mailnix.plan import InternalPlan, Plan
from mailnix.plan.types import HostPlan, ProxyPlan
from mailnix.services.generations import debian as generations
from mailnix.services.haraka.values import PUBLIC_AUTHORITIES
from mailnix.services.network.debian import HOSTNAME, HOSTS
from mailnix.services.ssh.debian import KEYS
from mailnix.tree import Entry, File, Tree

PACKAGES: Final = (
    "ca-certificates",
    "dbus",
    "dhcpcd-base",
    "e2fsprogs",
    "ifupdown",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "libpam-systemd",
    "netplan.io",
    "nano",
    "openssh-server",
    "procps",
    "python3",
    "qemu-guest-agent",  # the lab's own way in; providers' images have it, too
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "unattended-upgrades",
    "vim-tiny",
    "zstd",
    CLOUD_KERNEL,
)
"""What such a server has."""

AUTHORITY: Final = "/usr/local/share/ca-certificates/lab.crt"
INTERFACES: Final = "/etc/network/interfaces"
NETPLAN: Final = "/etc/netplan/50-provider.yaml"
HOST_KEY: Final = "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
"""How a machine makes its SSH host key."""


@frozen
class Server:
    """A machine's own files, and the script that has them take effect once they are there."""

    files: Tree
    script: str


def wanted(plan: Plan) -> tuple[str, ...]:
    """The packages of Debian's that a deploy of the plan installs."""
    found = {name for host in plan.hosts for name in generation(debian_host(plan, host), 1).depends}
    return tuple(sorted(name for name in {*found, *generations.DEPENDS} if not name.startswith("mailnix-")))


def server(host: HostPlan, layout: Layout, card: str, key: str, authority: bytes) -> Server:
    """The machine of a host: `card` is its network card, `key` opens root's door, `authority` is the lab's (PEM)."""
    home = isinstance(host, InternalPlan)
    network = _interfaces(host, card) if home else _netplan(host, layout)
    name = f"server-{host.name}"
    entries: Iterable[Entry] = (
        File(HOSTNAME, f"{name}\n"),
        File(HOSTS, f"127.0.0.1 localhost\n127.0.1.1 {name}\n"),
        File("/etc/apt/sources.list", f"deb [trusted=yes] http://{layout.archive.name}/ ./\n"),
        File("/etc/resolv.conf", f"nameserver {layout.dns.ipv4}\n"),
        File(KEYS, f"{key}\n", mode=0o600),
        File(AUTHORITY, authority),
        network,
    )
    return Server(Tree.of(entries), "\n".join(("set -e", f"hostname {name}", *_effects(home=home, card=card))))


def _effects(*, home: bool, card: str) -> Iterator[str]:
    # What update-ca-certificates does for who reads the bundle, without a minute for everybody else's certificates.
    yield f"cat {AUTHORITY} >> {PUBLIC_AUTHORITIES}"
    yield f"rm -f /etc/ssh/ssh_host_*; {HOST_KEY}"
    yield "systemctl restart ssh"
    if home:
        yield f"ifup {card}"
    else:
        yield "systemctl enable --quiet --now systemd-networkd"
        yield "netplan apply"


def _interfaces(host: HostPlan, card: str) -> File:
    """interfaces(5), as Debian's installer writes it."""
    lines = ["auto lo", "iface lo inet loopback", f"auto {card}"]
    if host.uplink.dhcp:
        lines.append(f"iface {card} inet dhcp")
    for interface in host.uplink.addresses:
        v4 = isinstance(interface, IPv4Interface)
        gateway = host.uplink.gateway4 if v4 else host.uplink.gateway6
        lines += [f"iface {card} inet{'' if v4 else '6'} static", f"  address {interface}"]
        if gateway is not None:
            route = f"ip -{gateway.version} route replace default via {gateway} dev {card} onlink"
            lines.append(f"  up {route}")
    return File(INTERFACES, "\n".join([*lines, ""]))


def _netplan(host: HostPlan, layout: Layout) -> File:
    """netplan's YAML, of which JSON is a part, as a provider's cloud-init writes it."""
    uplink = host.uplink
    card: dict[str, Any] = {"match": {"macaddress": uplink_nic(host).mac}, "dhcp4": uplink.dhcp}
    card["nameservers"] = {"addresses": [str(layout.dns.ipv4)]}
    card["addresses"] = [str(interface) for interface in uplink.addresses]
    gateways = [gateway for gateway in (uplink.gateway4, uplink.gateway6) if gateway is not None]
    card["routes"] = [
        {"to": "default" if not isinstance(gateway, IPv6Address) else "::/0", "via": str(gateway), "on-link": True}
        for gateway in gateways
    ]
    text = json.dumps({"network": {"version": 2, "ethernets": {"uplink": card}}}, indent=1)
    return File(NETPLAN, f"{text}\n", mode=0o600)


def where(plan: Plan, layout: Layout) -> dict[str, str]:
    """Where each machine is before it is ours, as `--to` takes it."""
    found = {host.name: f"root@{host.ipv4}" for host in plan.hosts if isinstance(host, ProxyPlan)}
    return {**found, plan.internal.name: f"root@{layout.home.host4}"}
