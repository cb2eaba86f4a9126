"""Others' tables of nftables that would keep out whoever logs in: what one drops, none of ours lets in (nft(8))."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .world import World

ACCEPT, DROP = "accept", "drop"
DROPS = (DROP, "reject")
FAMILIES = ("inet", "ip", "ip6")

Rules = Mapping[tuple[str, str, str], Sequence[list[Any]]]
"""Statements of each rule, by family, table and chain."""


def warnings(world: World) -> list[str]:
    """One line for each chain of others that closes the described port; what is in doubt is taken for open."""
    port = world.names.ssh_port
    try:
        done = world.run(["nft", "--json", "list", "ruleset"])
        found = json.loads(done.output)["nftables"] if done.status == 0 else []
        walls = [*closing(found, world.names.table, port)]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # no nft, or one that says it in other words
        return []
    return [
        f"{chain} is somebody else's and drops what comes in to port {port}: take it away, or have it accept that port,"
        " or this change will be taken back"
        for chain in walls
    ]


def closing(found: Sequence[Mapping[str, Any]], ours: str, port: int) -> Iterator[str]:
    """Chains that would, in libnftables-json(5)'s words."""
    rules: dict[tuple[str, str, str], list[list[Any]]] = {}
    for rule in (each["rule"] for each in found if "rule" in each):
        rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule["expr"])
    for chain in (each["chain"] for each in found if "chain" in each):
        place = (chain["family"], chain["table"], chain["name"])
        if chain.get("hook") == "input" and place[0] in FAMILIES and " ".join(place[:2]) != ours:
            verdict = _verdict(rules, place, port) or chain.get("policy", ACCEPT)
            if verdict in DROPS:
                yield f"table {place[0]} {place[1]}, chain {place[2]},"


def _verdict(rules: Rules, place: tuple[str, str, str], port: int, depth: int = 0) -> str:
    """What becomes of a new connection to a port; empty where the chain does not say."""
    sure = True  # that a connection comes as far as this rule
    for expressions in rules.get(place, ()) if depth < len(rules) + 1 else ():
        certain = sure
        for statement in expressions:
            ((kind, what),) = statement.items()
            if kind == "match":
                fits = _fits(what, port)
                certain = certain and fits is True
                if fits is False:
                    break
            elif kind in ("xt", "limit", "connlimit"):  # xt: iptables' own, which nft cannot tell
                certain = False
            elif kind == "return":
                if certain:
                    return ""
                sure = False
                break
            elif said := _said(rules, place, kind, what, port, depth):
                if said == ACCEPT or (certain and said in DROPS):
                    return said
                break
    return ""


def _said(rules: Rules, place: tuple[str, str, str], kind: str, what: Any, port: int, depth: int) -> str:
    """The verdict of a statement; empty for what is none."""
    if kind in (ACCEPT, *DROPS):
        return kind
    if kind in ("jump", "goto"):
        return _verdict(rules, (*place[:2], what["target"]), port, depth + 1)
    if kind == "vmap":
        if not isinstance(what["data"], dict):  # a named one, which may have it
            return ACCEPT
        for key, verdict in what["data"].get("set", ()):
            if _fits({"op": "==", "left": what["key"], "right": key}, port) is not False:
                ((name, target),) = verdict.items()
                return _said(rules, place, name, target, port, depth)
    return ""


def _fits(match: Mapping[str, Any], port: int) -> bool | None:
    """Whether a new TCP connection from elsewhere to a port is meant; None where that depends on more."""
    left, right = match["left"], match["right"]
    if not isinstance(left, dict):
        return None
    if (left.get("ct") or {}).get("key") == "state":
        fits = "new" in _each(right)
    elif (left.get("meta") or {}).get("key") == "l4proto":
        fits = bool({"tcp", 6} & {*_each(right)})
    elif left.get("meta") in ({"key": "iifname"}, {"key": "iif"}) and right == "lo":
        fits = False
    elif (payload := left.get("payload") or {}).get("field") == "dport" and payload.get("protocol") in ("tcp", "th"):
        fits = any(each == port or _within(each, port) for each in _each(right, whole=True))
    elif payload.get("protocol") in ("udp", "icmp", "icmpv6"):
        return False
    else:
        return None
    return not fits if match["op"] == "!=" else fits


def _each(right: Any, *, whole: bool = False) -> list[Any]:
    """The members of a set, a list, or one value; ranges and named sets are no plain values."""
    found = right.get("set", [right]) if isinstance(right, dict) else right
    every = found if isinstance(found, list) else [found]
    return every if whole else [each for each in every if isinstance(each, str | int)]


def _within(each: Any, port: int) -> bool:
    """A named set (a text with @) may have it."""
    if isinstance(each, str):
        return each.startswith("@")
    if isinstance(each, dict) and "elem" in each:  # with a counter, a comment and the like
        value = each["elem"]["val"]
        return value == port or _within(value, port)
    low, high = each.get("range", (1, 0)) if isinstance(each, dict) else (1, 0)
    return bool(low <= port <= high)
