"""The router that plays all places: a namespace for each side, with the cards that a machine's cables end in, and the
internet between them. What one place does is one script, which undoes the place before. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_interface
from typing import Final

from mailnix.lab.places import outside, rules
from mailnix.lab.places.outside import CARRIER_INNER, HOME_PUBLIC, HOME_PUBLIC_NEW, OUT, RUN
from mailnix.lab.places.place import ETHERNET, HOME, PROXY, Cable, Lease, Place, Translation, Way
from mailnix.model import ports

ADVERTISE: Final = "/usr/lib/mailnix-places/advertise.py"
SINK: Final = "/usr/lib/mailnix-places/sink.py"
SIGN: Final = "/usr/lib/mailnix-places/sign.py"
SCAN: Final = "/usr/lib/mailnix-places/scan.py"
MAILS: Final = f"{RUN}/mails"
KEY: Final = f"{RUN}/admin.key"
NAMES: Final = f"{RUN}/names"
"""What the home router's resolver knows by itself, in the manner of /etc/hosts."""

SIDES: Final[Mapping[str, tuple[str, str]]] = {PROXY: ("p0", "p1"), HOME: ("h0", "h1")}
"""Machine → the router's ends of its cables; each side's namespace is called as its machine."""
GATEWAY6: Final = "fe80::1"
"""Every router's own address on every cable."""

_NEAR: Final[Mapping[str, str]] = {PROXY: "169.254.10.1", HOME: "169.254.20.1"}
"""The internet's own address on its link to each side."""
_PROVIDER: Final = "169.254.10.2"
_BEYOND: Final[Mapping[str, tuple[str, ...]]] = {
    PROXY: (f"203.0.113.0/24 via {_PROVIDER}", "2001:db8:10::/48 via fe80::2"),
    HOME: (HOME_PUBLIC, HOME_PUBLIC_NEW, CARRIER_INNER, "2001:db8:20::/48 via fe80::2"),
}

FORWARD: Final = """\
net.ipv4.ip_forward = 1
net.ipv6.conf.all.forwarding = 1
net.ipv4.conf.all.rp_filter = 0
net.ipv4.conf.default.rp_filter = 0
net.ipv6.conf.default.accept_dad = 0
net.ipv6.conf.all.accept_dad = 0
"""

_TAKE: Final = """\
take() {
    for found in /sys/class/net/*; do
        if [ "$(cat "$found/address")" = "$1" ]; then
            ip link set "${found##*/}" netns "$2" name "$3"
            return
        fi
    done
    echo "no card has $1" >&2
    return 1
}
"""


def setup(macs: Mapping[str, tuple[str, str]]) -> str:
    """Both sides and the internet between them, once; `macs` are the router's own cards, machine by machine."""
    lines = ["set -e", _TAKE, f"mkdir -p {RUN}", f"sysctl -q -p {outside.FOLDER}/forward.conf"]
    lines += ["ip link add outside type dummy", "ip link set outside up"]
    lines += [
        f"ip address add {address} dev outside{' nodad' if ':' in address else ''}" for address in outside.ADDRESSES
    ]
    for side, cards in SIDES.items():
        lines += _side(side)
        for mac, card in zip(macs[side], cards, strict=True):
            lines += [f"take {mac} {side} {card}", f"ip -n {side} link set {card} addrgenmode none"]
    lines += [f"ip -n {PROXY} address add {_PROVIDER}/30 dev {OUT}"]
    lines += [f"ip -n {PROXY} route add default via {_NEAR[PROXY]}"]
    lines += [f"{SIGN} {outside.ZONE} {outside.SIGNED} {outside.ANCHOR}", "mkdir -p /run/named"]
    lines += [
        f"systemd-run -q --unit=places-names /usr/sbin/named -f -u bind -n 1 -c {outside.NAMED_CONF}",
        f"systemd-run -q --unit=places-mail {SINK} {ports.SMTP} {MAILS}",
    ]
    return "\n".join(lines) + "\n"


def _side(side: str) -> Iterator[str]:
    yield f"ip netns add {side}"
    yield f"ip -n {side} link set lo up"
    yield f"ip netns exec {side} sysctl -q -p {outside.FOLDER}/forward.conf"
    yield f"ip link add w-{side} type veth peer name {OUT} netns {side}"
    yield f"ip link set w-{side} addrgenmode none up"
    yield f"ip -n {side} link set dev {OUT} addrgenmode none up"
    yield f"ip address add {_NEAR[side]}/30 dev w-{side}"
    yield f"ip address add fe80::1/64 dev w-{side}"
    for network in _BEYOND[side]:
        source = outside.CLIENT6 if ":" in network else outside.CLIENT4
        yield f"ip route replace {network} dev w-{side} src {source}"
    yield f"ip -n {side} address add fe80::2/64 dev {OUT}"
    yield f"ip -n {side} -6 route add default via fe80::1 dev {OUT}"


def swap(place: Place, macs: Mapping[str, tuple[str, str]]) -> str:
    """Bring a place about, whatever was before; `macs` are the machines' cards."""
    cables = {PROXY: (place.provider, place.provider2), HOME: (place.home, place.home2)}
    lines = ["set -e", f"rm -f {MAILS}", write(NAMES, "".join(f"{address} {name}\n" for name, address in place.names))]
    for side, cards in SIDES.items():
        lines += _undo(side)
        for card, cable in zip(cards, cables[side], strict=True):
            lines += _plug(side, card, cable)
        for number, (card, cable) in enumerate(zip(cards, cables[side], strict=True)):
            if cable and cable.advertised:
                lines.append(_unit(f"{side}-{card}", side, _advertiser(card, cable)))
            if cable and (cable.lease or (side == HOME and number == 0)):
                text = dnsmasq(card, cable, macs[side][number], names=side == HOME, place=place)
                lines += [write(f"{RUN}/{card}.conf", text)]
                lines.append(_unit(f"{side}-{card}-dhcp", side, f"/usr/sbin/dnsmasq -k -C {RUN}/{card}.conf"))
    lines += _way(place.way)
    for side, text in ((PROXY, rules.provider(place)), (HOME, rules.home(place.way))):
        lines += [write(f"{RUN}/{side}.nft", text), f"ip netns exec {side} nft -f {RUN}/{side}.nft"]
    lines += [write(f"{RUN}/carrier.nft", rules.CARRIER), f"nft -f {RUN}/carrier.nft"]
    return "\n".join(lines) + "\n"


def _undo(side: str) -> Iterator[str]:
    yield f"systemctl stop 'places-{side}-*'"
    yield f"ip netns exec {side} nft flush ruleset"
    for card in SIDES[side]:
        yield f"ip -n {side} link set {card} down"
        yield f"ip -n {side} address flush dev {card}"
        yield f"rm -f {RUN}/{card}.leases"


def _plug(side: str, card: str, cable: Cable | None) -> Iterator[str]:
    if cable is None:
        return
    yield f"ip -n {side} link set {card} up"
    for address in (*cable.addresses, f"{GATEWAY6}/64"):
        yield f"ip -n {side} address add {address} dev {card}{' nodad' if ':' in address else ''}"
    for route in cable.routes:
        yield f"ip -n {side} route replace {route} dev {card}"


def _advertiser(card: str, cable: Cable) -> str:
    said = cable.advertised
    assert said is not None
    words = (("autonomous", said.autonomous), ("managed", said.managed), ("no-router", not said.router))
    return " ".join((ADVERTISE, card, said.prefix, *(word for word, true in words if true), *said.resolvers))


def _unit(name: str, side: str, command: str) -> str:
    return f"systemd-run -q --collect --unit=places-{name} ip netns exec {side} {command}"


def write(path: str, text: str) -> str:
    """Shell words that write a file."""
    return f"cat >{path} <<'END'\n{text}END"


def dnsmasq(card: str, cable: Cable, mac: str, *, names: bool, place: Place) -> str:
    """DHCP on a cable as its lease says; at home also a resolver, as home routers are."""
    lines = [f"interface={card}", "bind-dynamic", "user=root", "no-resolv", "no-hosts", "no-ping", "dhcp-authoritative"]
    lines += [f"dhcp-leasefile={RUN}/{card}.leases", f"pid-file={RUN}/{card}.pid"]
    if names:
        upstream = outside.DNS6 if place.way.translation is Translation.NONE else outside.DNS4
        lines += [f"server={upstream}", f"addn-hosts={NAMES}"]
    else:
        lines.append("port=0")
    if cable.lease is not None:
        lines += _lease(cable, cable.lease, mac)
    return "\n".join(lines) + "\n"


def _lease(cable: Cable, lease: Lease, mac: str) -> Iterator[str]:
    around = next(found.network for found in map(ip_interface, cable.addresses) if lease.address.ip in found.network)
    yield f"dhcp-range={around.network_address},static,{around.netmask},1h"
    yield f"dhcp-host={mac},{lease.address.ip}"
    yield f"dhcp-option=option:netmask,{lease.address.netmask}"
    # Without a value dnsmasq sends none, where it would name itself.
    yield f"dhcp-option=option:router{f',{lease.router}' if lease.router else ''}"
    yield f"dhcp-option=option:dns-server{''.join(f',{each}' for each in lease.resolvers)}"
    if lease.mtu is not None:
        yield f"dhcp-option=option:mtu,{lease.mtu}"


def _way(way: Way) -> Iterator[str]:
    """The home router's own address, and the size of what passes.

    Without its address its translations are forgotten, too.
    """
    yield f"ip -n {HOME} -4 address flush dev {OUT}"
    if way.translation is not Translation.NONE:
        address = CARRIER_INNER if way.translation is Translation.CARRIER else HOME_PUBLIC
        yield f"ip -n {HOME} address add {address}/32 dev {OUT}"
        yield f"ip -n {HOME} route replace default via {_NEAR[HOME]} dev {OUT} onlink"
    mtu = ETHERNET if way.silent else way.mtu
    yield f"ip -n {HOME} link set dev {OUT} mtu {mtu}"
    yield f"ip link set w-{HOME} mtu {mtu}"
