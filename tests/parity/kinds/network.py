"""Addresses, routes, rules and tunnels (ip(8), wg(8)); of keys only whether there is one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines, listed, port

_FLEETING: Final = ("veth",)
"""Interfaces that Docker names anew with each container."""
_FAMILIES: Final = ("ipv4", "ipv6")
_LINK_LOCAL: Final = re.compile(r"fe80:[0-9a-f:]+")
"""Of a router's card, which is another in each lab."""


def addresses(data: bytes) -> Values:
    """`ip -j -d address`: each interface, and each of its addresses."""
    return dict(_addresses(json.loads(data)))


def _addresses(interfaces: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for each in interfaces:
        name = each["ifname"]
        if name.startswith(_FLEETING):
            continue
        kind = each.get("linkinfo", {}).get("info_kind", each["link_type"])
        yield f"interface {name}", f"{kind}, MTU {each['mtu']}, {listed(' '.join(each['flags']))}"
        for address in each["addr_info"]:
            flags = [flag for flag in ("dynamic", "temporary", "noprefixroute", "mngtmpaddr") if address.get(flag)]
            end = f"{address.get('local')}/{address['prefixlen']}"
            if address["scope"] != "link":
                yield f"address {name} {end}", f"{address['scope']} {' '.join(flags)}".strip()


def routes(data: bytes) -> Values:
    """`ip -j -d route show table all`, IPv4's and IPv6's, in one list of two."""
    families = zip(_FAMILIES, json.loads(data), strict=True)
    return dict(pair for family, found in families for route in found for pair in _route(family, route))


def _route(family: str, route: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    device = str(route.get("dev", ""))
    if device.startswith(_FLEETING) or str(route["dst"]).startswith(("fe80:", "ff00:")):
        return
    way = ("gateway", "via", "prefsrc", "metric", "scope", "protocol", "metrics", "pref", "mtu")
    said = [f"{name} {_LINK_LOCAL.sub('link-local', str(route[name]))}" for name in way if name in route]
    table = route.get("table", "main")
    yield f"{family} {table} {route.get('type', 'unicast')} {route['dst']} {device}".strip(), ", ".join(said)


def rules(data: bytes) -> Values:
    """`ip -j rule`, IPv4's and IPv6's, in one list of two."""
    families = zip(_FAMILIES, json.loads(data), strict=True)
    return {
        f"{family} {rule['priority']}": json.dumps({k: v for k, v in rule.items() if k != "priority"}, sort_keys=True)
        for family, found in families
        for rule in found
    }


_TUNNELS: Final = r"""
wg show all dump | awk -F'\t' '
NF == 5 { print $1 " " "own:" ($2 == "(none)" ? "no key" : "a key") ", port " $4 ", mark " $5 }
NF == 9 { print $1 " " "peer:" ($3 == "(none)" ? "no" : "a") " preshared key, from " $4 ", " $5 ", every " $9 }'
"""


def tunnels(data: bytes) -> Values:
    """Each tunnel and its one peer, whose key is another in each lab."""
    own = (_PORT.sub(lambda found: f"{found[1]}{port(found[2])}", line) for line in lines(data))
    told = (_FROM.sub(r"\1:any", line) for line in own)
    return {key: value for key, _, value in (line.partition(":") for line in told)}


_PORT: Final = re.compile(r"(port )(\d+)")
_FROM: Final = re.compile(r"(from [0-9.]+):\d+")
"""Behind an address translator each comes from the port that it was given there."""


QUESTIONS: Final = (
    Question("address", "ip -j -d address", addresses),
    Question(
        "route",
        "printf '['; ip -j -d -4 route show table all; printf ','; ip -j -d -6 route show table all; printf ']'",
        routes,
    ),
    Question("rule", "printf '['; ip -j -4 rule; printf ','; ip -j -6 rule; printf ']'", rules),
    Question("tunnel", _TUNNELS, tunnels),
)
