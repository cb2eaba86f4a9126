"""The internet as a router: bridges, addresses of everybody outside, DHCP and router advertisements, NAT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet.layout import Home, Layout, Segment
from mailnix.tree import Entry, File

NETWORKD: Final = "/etc/systemd/network"
OUTSIDE: Final = "outside"
DNSMASQ_CONF: Final = "/etc/mailnix-internet/dnsmasq.conf"
NFT_CONF: Final = "/etc/mailnix-internet/nat.nft"


def entries(layout: Layout) -> Iterator[Entry]:
    """Everything that makes the internet route."""
    for segment in layout.segments:
        yield _netdev(segment.bridge, "bridge", "[Bridge]\nSTP=no\nForwardDelaySec=0\nMulticastSnooping=no\n")
        yield File(f"{NETWORKD}/30-{segment.bridge}.network", segment_network(segment))
        for port in segment.ports:
            yield _member(port.nic.mac, port.proxy.name, segment.bridge)
    home = layout.home
    yield _netdev(home.bridge, "bridge", "[Bridge]\nSTP=no\nForwardDelaySec=0\nMulticastSnooping=no\n")
    yield File(f"{NETWORKD}/30-{home.bridge}.network", home_network(home))
    yield _member(home.nic.mac, home.nic.peer, home.bridge)
    yield _netdev(OUTSIDE, "dummy")
    yield File(f"{NETWORKD}/30-{OUTSIDE}.network", outside_network(layout))
    yield File("/etc/sysctl.d/60-mailnix-internet.conf", SYSCTL)
    yield File(NFT_CONF, nft(layout))
    yield File("/etc/systemd/system/mailnix-internet-nat.service", NAT_SERVICE)
    yield File(DNSMASQ_CONF, dnsmasq(layout))
    yield File("/etc/systemd/system/mailnix-internet-dhcp.service", DHCP_SERVICE)
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
    """A hosting company's network: a gateway, and router advertisements without autoconfiguration, as servers see."""
    lines = ["[Match]", f"Name={segment.bridge}", "", "[Network]", ALWAYS.rstrip()]
    lines += [f"Address={segment.gateway4}/{segment.net4.prefixlen}"]
    if segment.net6 is None or segment.gateway6 is None:
        return "\n".join([*lines, "", "[Link]", "RequiredForOnline=no", ""])
    return "\n".join(
        [
            *lines,
            "IPv6SendRA=yes",
            "",
            *("[Address]", f"Address={segment.gateway6}/64", "DuplicateAddressDetection=none", ""),
            *("[IPv6SendRA]", "Managed=no", "OtherInformation=no", "EmitDNS=no", ""),
            *("[IPv6Prefix]", f"Prefix={segment.net6}", "AddressAutoconfiguration=no", "OnLink=yes", "Assign=no", ""),
            *("[Link]", "RequiredForOnline=no", ""),
        ]
    )


def home_network(home: Home) -> str:
    """The home router's inner side."""
    address = f"Address={home.gateway4}/{home.net4.prefixlen}"
    return f"[Match]\nName={home.bridge}\n\n[Network]\n{ALWAYS}{address}\n\n[Link]\nRequiredForOnline=no\n"


def outside_network(layout: Layout) -> str:
    """One card with the addresses of every machine elsewhere."""
    lines = ["[Match]", f"Name={OUTSIDE}", "", "[Network]", "LinkLocalAddressing=no", ""]
    for identity in layout.identities:
        for address in identity.addresses:
            lines += ["[Address]", f"Address={address}/{address.max_prefixlen}", "DuplicateAddressDetection=none", ""]
    return "\n".join(lines)


SYSCTL: Final = """\
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.default.rp_filter = 0
# dnsmasq and BIND may start before the addresses are there
net.ipv4.ip_nonlocal_bind = 1
net.ipv6.ip_nonlocal_bind = 1
"""


def nft(layout: Layout) -> str:
    """What a home router does: it hides the home network behind one address, and lets nobody in."""
    home = layout.home
    return f"""\
table inet internet {{
	chain home {{
		type filter hook forward priority filter; policy accept;
		oifname "{home.bridge}" ct state established,related accept
		oifname "{home.bridge}" drop
	}}
	chain nat {{
		type nat hook postrouting priority srcnat; policy accept;
		iifname "{home.bridge}" ip saddr {home.net4} snat ip to {layout.nat.ipv4} fully-random
	}}
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

DHCP_SERVICE: Final = f"""\
[Unit]
Description=DHCP for every machine of the lab
After=systemd-networkd.service
Wants=systemd-networkd.service

[Service]
RuntimeDirectory=mailnix-internet
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file={DNSMASQ_CONF}
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def dnsmasq(layout: Layout) -> str:
    """DHCP only: every card of the plan's machines always gets its planned address."""
    lines = ["port=0", "user=root", "bind-dynamic", "dhcp-authoritative", "no-ping"]
    lines += ["dhcp-leasefile=/run/mailnix-internet/leases", f"dhcp-option=option:dns-server,{layout.dns.ipv4}"]
    for segment in layout.segments:
        lines += [f"interface={segment.bridge}"]
        lines += [
            f"dhcp-range=set:{segment.bridge},{segment.net4.network_address},static,{segment.net4.netmask},1h",
            f"dhcp-option=tag:{segment.bridge},option:router,{segment.gateway4}",
        ]
        lines += [f"dhcp-host={port.far.mac},{port.proxy.ipv4}" for port in segment.ports]
    home = layout.home
    lines += [
        f"interface={home.bridge}",
        f"dhcp-range=set:{home.bridge},{home.net4.network_address},static,{home.net4.netmask},1h",
        f"dhcp-option=tag:{home.bridge},option:router,{home.gateway4}",
        f"dhcp-host={home.far.mac},{home.host4}",
    ]
    return "\n".join(lines) + "\n"
