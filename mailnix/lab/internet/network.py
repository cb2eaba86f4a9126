"""The internet as a router: bridges, addresses of everybody outside, router advertisements, NAT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Network, ip_interface
from typing import Final

from mailnix.lab.internet import leases
from mailnix.lab.internet.layout import Home, Layout
from mailnix.lab.internet.providers import Segment
from mailnix.plan.types import Address, Interface
from mailnix.tree import Entry, File

NETWORKD: Final = "/etc/systemd/network"
OUTSIDE: Final = "outside"
NFT_CONF: Final = "/etc/mailnix-internet/nat.nft"
BRIDGE: Final = "[Bridge]\nSTP=no\nForwardDelaySec=0\nMulticastSnooping=no\n"


def entries(layout: Layout) -> Iterator[Entry]:
    """Everything that makes the internet route."""
    for segment in layout.segments:
        yield _netdev(segment.bridge, "bridge", BRIDGE)
        yield File(f"{NETWORKD}/30-{segment.bridge}.network", segment_network(segment))
        for port in segment.ports:
            yield _member(port.nic.mac, port.proxy.name, segment.bridge)
    home = layout.home
    yield _netdev(home.bridge, "bridge", BRIDGE)
    yield File(f"{NETWORKD}/30-{home.bridge}.network", home_network(home))
    yield _member(home.nic.mac, home.nic.peer, home.bridge)
    yield _netdev(OUTSIDE, "dummy")
    yield File(f"{NETWORKD}/30-{OUTSIDE}.network", outside_network(layout))
    yield File("/etc/sysctl.d/60-mailnix-internet.conf", SYSCTL)
    yield File(NFT_CONF, nft(layout))
    yield File("/etc/systemd/system/mailnix-internet-nat.service", NAT_SERVICE)
    yield from leases.entries(layout)
    yield File("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    yield File("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")


def _netdev(name: str, kind: str, more: str = "") -> File:
    return File(f"{NETWORKD}/20-{name}.netdev", f"[NetDev]\nName={name}\nKind={kind}\n{more}")


def _member(mac: str, who: str, bridge: str) -> File:
    return File(
        f"{NETWORKD}/25-{bridge}-{who}.network",
        f"# the link to {who}\n[Match]\nPermanentMACAddress={mac}\n\n[Network]\nBridge={bridge}\n"
        "LinkLocalAddressing=no\n\n[Link]\nRequiredForOnline=no\n",
    )


# A gateway has its addresses whether or not anybody has plugged in yet.
ALWAYS: Final = "ConfigureWithoutCarrier=yes\nIgnoreCarrierLoss=yes\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\n"


def segment_network(segment: Segment) -> str:
    """A provider's network: gateways, a route to each address, and router advertisements where cards learn by them.

    What is advertised invites to make oneself an address, which nobody routes: a server's is the described one. What is
    translated has a route, too, for this machine's own packets are translated when they have found one.
    """
    lines = _bridge(segment.bridge, segment.addresses, (a for port in segment.ports for a in port.addresses))
    return _text(lines, segment.advertised)


def home_network(home: Home) -> str:
    """The home router's inner side: machines make themselves IPv6 addresses, where there are any."""
    if home.net6 is None or home.gateway6 is None:
        return _text(_bridge(home.bridge, home.addresses, (home.host4,)), None)
    router6 = ip_interface(f"{home.gateway6}/{home.net6.prefixlen}")
    return _text(_bridge(home.bridge, (*home.addresses, router6), (home.host4,)), (home.net6,))


def _bridge(name: str, addresses: Iterable[Interface], routed: Iterable[Address]) -> list[str]:
    """One route an address: networks that machines believe to be on may overlap those of machines elsewhere."""
    lines = ["[Match]", f"Name={name}", "", "[Network]", *ALWAYS.splitlines(), ""]
    for interface in dict.fromkeys(addresses):
        lines += ["[Address]", f"Address={interface}", "DuplicateAddressDetection=none", ""]
    for address in routed:
        lines += ["[Route]", f"Destination={address}/{address.max_prefixlen}", ""]
    return lines


def _text(lines: list[str], advertised: Iterable[IPv6Network] | None) -> str:
    if advertised is not None:
        lines = [*lines, "[Network]", "IPv6SendRA=yes", ""]
        lines += ["[IPv6SendRA]", "Managed=no", "OtherInformation=no", "EmitDNS=no", ""]
        for network in advertised:
            flags = ("AddressAutoconfiguration=yes", "OnLink=yes", "Assign=no")
            lines += ["[IPv6Prefix]", f"Prefix={network}", *flags, ""]
    return "\n".join([*lines, "[Link]", "RequiredForOnline=no", ""])


def outside_network(layout: Layout) -> str:
    """One card with the addresses of every machine elsewhere."""
    lines = ["[Match]", f"Name={OUTSIDE}", "", "[Network]", "LinkLocalAddressing=no", ""]
    for address in (*(a for identity in layout.identities for a in identity.addresses), *layout.resolvers):
        lines += ["[Address]", f"Address={address}/{address.max_prefixlen}", "DuplicateAddressDetection=none", ""]
    return "\n".join(lines)


SYSCTL: Final = """\
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.default.rp_filter = 0
# neighbours that believe to be elsewhere are asked for by, and not told of, a gateway's address
net.ipv4.conf.all.arp_announce = 2
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.send_redirects = 0
# dnsmasq and BIND may start before the addresses are there
net.ipv4.ip_nonlocal_bind = 1
net.ipv6.ip_nonlocal_bind = 1
"""


def nft(layout: Layout) -> str:
    """What a home router does: it hides the home network behind one address, and lets nobody in.

    And what a provider does whose machines have private addresses: each stands for a public one, both ways. Everybody
    elsewhere is this machine itself, so its own packets are translated as well as those that pass.
    """
    home = layout.home
    pairs = [(s.bridge, *pair) for s in layout.segments for port in s.ports for pair in port.translated]
    inward = "".join(f"\t\tip daddr {public} dnat ip to {own}\n" for _bridge, public, own in pairs)
    first = {(bridge, own): public for bridge, public, own in reversed(pairs)}
    outward = "".join(f'\t\tiifname "{on}" ip saddr {own} snat ip to {public}\n' for (on, own), public in first.items())
    return f"""\
table inet internet {{
	chain home {{
		type filter hook forward priority filter; policy accept;
		oifname "{home.bridge}" ct state established,related accept
		oifname "{home.bridge}" drop
	}}
	chain arriving {{
		type nat hook prerouting priority dstnat; policy accept;
{inward}	}}
	chain asking {{
		type nat hook output priority -100; policy accept;
{inward}	}}
	chain nat {{
		type nat hook postrouting priority srcnat; policy accept;
		iifname "{home.bridge}" ip saddr {home.net4} snat ip to {layout.nat.ipv4} fully-random
{outward}	}}
	chain asked {{
		type nat hook input priority 100; policy accept;
{outward}	}}
}}
"""


NAT_SERVICE: Final = f"""\
[Unit]
Description=The home router's address translation
DefaultDependencies=no
After=systemd-modules-load.service
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {NFT_CONF}

[Install]
WantedBy=sysinit.target
"""
