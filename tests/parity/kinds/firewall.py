"""The ruleset as the kernel has it: `nft -j list ruleset` (libnftables-json(5))."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final

from mailnix import Internal
from tests.parity.facts import Question, Values
from tests.parity.kinds.words import said

_OF_THIS_BOOT: Final = {"handle", "index"}
_IN_ANY_ORDER: Final = re.compile(r"ip6? (filter|nat) chain (DOCKER.*|POSTROUTING) rule")
"""Where Docker puts the rules of each container and network, in the order in which they happened to start."""
_NETWORKS: Final = (Internal("any").docker_subnet, Internal("any").docker_subnet6)
_STARTS: Final = "|".join(re.escape(str(ip_network(each).network_address).removesuffix("0")) for each in _NETWORKS)
_CONTAINER: Final = re.compile(rf'("(?:right|addr)": ")(?:{_STARTS})[1-9a-f][0-9a-f]*"')
"""An address that Docker or Mailcow gave to a container; which of them, and in which order, says nothing."""


def read(data: bytes) -> Values:
    """Tables, sets and chains by name; a chain's rules by their place in it."""
    values: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for each in json.loads(data)["nftables"]:
        ((what, content),) = each.items()
        if what == "metainfo":
            continue
        key = " ".join(_path(what, content))
        if what == "rule":
            rule = said(_lasting(content.get("expr", [])))
            rules.setdefault(key, []).append(_CONTAINER.sub(r'\1a container"', rule))
        else:
            values[key] = said(
                _lasting({name: part for name, part in content.items() if name not in _path_names(what)})
            )
    for key, chain in rules.items():
        ordered = sorted(chain) if _IN_ANY_ORDER.fullmatch(key) else chain
        values |= {f"{key} {place}": rule for place, rule in enumerate(ordered, 1)}
    return values


def _path_names(what: str) -> tuple[str, ...]:
    return ("family", "name") if what == "table" else ("family", "table", "name")


def _path(what: str, content: dict[str, Any]) -> Iterator[str]:
    yield content["family"]
    if what != "table":
        yield content["table"]
    yield what if what != "rule" else "chain"
    yield content["chain"] if what == "rule" else content.get("name", "")
    if what == "rule":
        yield "rule"


def _lasting(part: Any) -> Any:
    """Without what traffic changes: handles, counters, and who a set has seen."""
    match part:
        case dict():
            kept = {key: _lasting(value) for key, value in part.items() if key not in _OF_THIS_BOOT}
            if isinstance(kept.get("counter"), dict):
                kept["counter"] = None
            if "dynamic" in kept.get("flags", ()) or "timeout" in kept.get("flags", ()):
                kept.pop("elem", None)
            return kept
        case list():
            return [_lasting(each) for each in part]
    return part


QUESTION: Final = Question("firewall", "nft -j list ruleset", read)
