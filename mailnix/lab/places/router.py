"""The router that plays all places: a namespace for each side, with the cards that a machine's cables end in, and the
internet between them. What one place does is one script, which undoes the place before. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_interface
from typing import Final

from mailnix.lab.internet import trust
from mailnix.lab.places import outside, rules
from mailnix.lab.places.outside import CARRIER_INNER, HOME_PUBLIC, HOME_PUBLIC_NEW, OUT, RUN
from mailnix.lab.places.place import ETHERNET, HOME, PROXY, Cable, Lease, Place, Translation, Way
from mailnix.model import ports

ADVERTISE: Final = "/usr/lib/mailnix-places/advertise.py"
SINK: Final = "/usr/lib/mailnix-places/sink.py"
SIGN: Final = "/usr/lib/mailnix-places/sign.py"
PORTS: Final = "/usr/lib/mailnix-places/ports.py"
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
    lines += [f"{SIGN} {outside.ZONE} {trust.SIGNED} {trust.ANCHOR}", "mkdir -p /run/named"]
    lines.append(_background("names", f"/usr/sbin/named -f -u bind -n 1 -c {outside.NAMED_CONF}"))
    lines.append(_background("mail", f"{SINK} {ports.SMTP} {MAILS}"))
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
    """Bring a place about, whatever was before; `macs` are the machines' cards.

    Few programs are started: each costs a tenth of a second and more, in emulation.
    """
    cables = {PROXY: (place.provider, place.provider2), HOME: (place.home, place.home2)}
    filters = {PROXY: rules.provider(place), HOME: rules.home(place.way)}
    lines = ["set -e", f"rm -f {MAILS}", write(NAMES, "".join(f"{address} {name}\n" for name, address in place.names))]
    for side, cards in SIDES.items():
        plugged = list(zip(cards, cables[side], strict=True))
        steps = [step for card, cable in plugged for step in (*_unplug(card), *_plug(card, cable))]
        lines += [_stop(side), _batch(side, (*steps, *(_way(place.way) if side == HOME else ())))]
        lines += _serve(place, side, plugged, macs[side])
        lines += [write(f"{RUN}/{side}.nft", f"flush ruleset\n{filters[side]}")]
        lines += [f"ip netns exec {side} nft -f {RUN}/{side}.nft"]
    lines += [f"ip link set w-{HOME} mtu {_passing(place.way)}"]
    lines += [write(f"{RUN}/carrier.nft", rules.CARRIER), f"nft -f {RUN}/carrier.nft"]
    return "\n".join(lines) + "\n"


def _serve(place: Place, side: str, plugged: list[tuple[str, Cable | None]], macs: tuple[str, str]) -> Iterator[str]:
    """Advertisements, DHCP and names, where a cable has them."""
    for (card, cable), mac in zip(plugged, macs, strict=True):
        if cable and cable.advertised:
            yield _background(f"{side}-{card}", f"ip netns exec {side} {_advertiser(card, cable)}")
        names = side == HOME and card == SIDES[HOME][0]
        if cable and (cable.lease or names):
            yield write(f"{RUN}/{card}.conf", dnsmasq(card, cable, mac, names=names, place=place))
            yield _background(f"{side}-{card}-dhcp", f"ip netns exec {side} /usr/sbin/dnsmasq -k -C {RUN}/{card}.conf")


def _stop(side: str) -> str:
    return (
        f'for file in {RUN}/{side}-*.pid; do [ ! -e "$file" ] || kill "$(cat "$file")" || true; done\n'
        f"rm -f {RUN}/{side}-*.pid {RUN}/*.leases"
    )


def _background(name: str, command: str) -> str:
    return f"{command} >{RUN}/{name}.log 2>&1 </dev/null &\necho $! >{RUN}/{name}.pid"


def names_changed() -> str:
    """Shell words that have the home router's resolver read `NAMES` again."""
    return f'kill -HUP "$(cat {RUN}/{HOME}-{SIDES[HOME][0]}-dhcp.pid)"'


def _batch(side: str, steps: Iterable[str]) -> str:
    """Commands of ip(8) in a namespace, by one process; the first that fails is the last."""
    lines = "".join(f"{step}\n" for step in steps)
    return f"ip -n {side} -batch - <<'END'\n{lines}END"


def _unplug(card: str) -> Iterator[str]:
    yield f"link set {card} down"
    yield f"address flush dev {card}"


def _plug(card: str, cable: Cable | None) -> Iterator[str]:
    if cable is None:
        return
    yield f"link set {card} up"
    for address in (*cable.addresses, f"{GATEWAY6}/64"):
        yield f"address add {address} dev {card}{' nodad' if ':' in address else ''}"
    for route in cable.routes:
        yield f"route replace {route} dev {card}"


def _advertiser(card: str, cable: Cable) -> str:
    said = cable.advertised
    assert said is not None
    words = (("autonomous", said.autonomous), ("managed", said.managed), ("no-router", not said.router))
    return " ".join((ADVERTISE, card, said.prefix, *(word for word, true in words if true), *said.resolvers))


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
    yield f"address flush dev {OUT} scope global"
    if way.translation is not Translation.NONE:
        address = CARRIER_INNER if way.translation is Translation.CARRIER else HOME_PUBLIC
        yield f"address add {address}/32 dev {OUT}"
        yield f"route replace default via {_NEAR[HOME]} dev {OUT} onlink"
    yield f"link set dev {OUT} mtu {_passing(way)}"


def _passing(way: Way) -> int:
    """Bytes of the biggest packet on the way out; where bigger ones vanish, a rule takes them."""
    return ETHERNET if way.silent else way.mtu
