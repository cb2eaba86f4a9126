"""What the routers of a place do to packets, as nftables rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailnix.lab.places.outside import CARRIER_NEXT, CARRIER_OUTER, OUT
from mailnix.lab.places.place import Place, Translation, Way

FORWARD: Final = "filter hook forward priority filter"
PREROUTING: Final = "nat hook prerouting priority dstnat"
BEFORE_ALL: Final = "filter hook prerouting priority raw"
AFTER_ALL: Final = "filter hook postrouting priority 300"
POSTROUTING: Final = "nat hook postrouting priority srcnat"

CARRIER: Final = f"""\
table inet carrier
delete table inet carrier
table inet carrier {{
	chain nat {{
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 100.64.0.0/10 snat ip to {CARRIER_OUTER}
	}}
}}
"""
"""What a carrier does with home routers that have no public address (RFC 6598)."""

NEXT_CARRIER: Final = CARRIER.replace(CARRIER_OUTER, CARRIER_NEXT)
"""The same with another public address; what is translated already stays as it is."""


def gone(address: str) -> str:
    """An address that is nobody's now: nothing comes to it or from it, whatever translations still know of it."""
    inward, outward = [f"ip daddr {address} drop"], [f"ip saddr {address} drop"]
    return _table("gone", _chain("in", BEFORE_ALL, inward), _chain("out", AFTER_ALL, outward))


def provider(place: Place) -> str:
    """The proxy's provider: public addresses one to one to what the card has, where that is another."""
    return translated(pair for cable in (place.provider, place.provider2) if cable for pair in cable.nat)


def translated(nat: Iterable[tuple[str, str]]) -> str:
    """Each public address to a private one, and back."""
    pairs = tuple(nat)
    inward = [f'iifname "{OUT}" ip daddr {public} dnat ip to {private}' for public, private in pairs]
    outward = [f'oifname "{OUT}" ip saddr {private} snat ip to {public}' for public, private in pairs]
    return _table("provider", _chain("in", PREROUTING, inward), _chain("out", POSTROUTING, outward))


def home(way: Way) -> str:
    """The home router: nobody comes in; what goes out is translated, and perhaps not let out."""
    forward = []
    if way.silent:
        forward.append(f"meta l4proto udp meta length > {way.mtu} drop")
    if way.no_ping:
        forward += ["icmp type echo-request drop", "icmpv6 type echo-request drop"]
    if way.udp:
        forward.append(f'oifname "{OUT}" udp dport != {{ {", ".join(map(str, way.udp))} }} drop')
    forward += [f'iifname "{OUT}" ct state established,related accept', f'iifname "{OUT}" drop']
    redirect = [f'iifname != "{OUT}" {kind} dport 53 redirect' for kind in ("udp", "tcp")] if way.takes_dns else []
    nat = [] if way.translation is Translation.NONE else [f'oifname "{OUT}" meta nfproto ipv4 masquerade fully-random']
    return _table(
        "home",
        _chain("forward", FORWARD, forward),
        _chain("dns", PREROUTING, redirect),
        _chain("nat", POSTROUTING, nat),
    )


def _table(name: str, *chains: str) -> str:
    return f"table inet {name} {{\n{''.join(chains)}}}\n"


def _chain(name: str, hook: str, said: Iterable[str]) -> str:
    lines = "".join(f"\t\t{rule}\n" for rule in said)
    return f"\tchain {name} {{\n\t\ttype {hook}; policy accept;\n{lines}\t}}\n"
