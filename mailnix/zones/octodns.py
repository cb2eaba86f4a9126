"""YAML for octoDNS: a file for each zone, as its YamlProvider reads them.

Its `enforce_order` wants names in natural order; its `escaped_semicolons` must be true (the default before 2.0).
https://octodns.readthedocs.io/en/latest/records.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mailnix.plan.types import DnsRecord
from mailnix.zones import parts

_NUMBERS: Final = re.compile(r"(\d+)")
HEADER: Final = "---\n# Mail, by mailnix. A directory of its own is a source of its own beside yours.\n"


def files(records: Iterable[DnsRecord]) -> Mapping[str, str]:
    """A file for each zone."""
    return {f"{zone}.yaml": HEADER + "\n".join(_zone(members)) + "\n" for zone, members in parts.zones(records).items()}


def _zone(records: Iterable[DnsRecord]) -> Iterator[str]:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for members in parts.sets(records).values():
        name = parts.relative(members[0])
        by_name.setdefault("" if name == parts.APEX else name, []).append(_set(members))
    for name in sorted(by_name, key=_natural):
        yield f"{json.dumps(name)}:"
        for each in sorted(by_name[name], key=lambda found: str(found["type"])):
            yield from _mapping(each, "  - ")


def _natural(name: str) -> list[str | int]:
    """Text and numbers by turns, text first (natsort's default)."""
    return [int(piece) if at % 2 else piece for at, piece in enumerate(_NUMBERS.split(name))]


def _mapping(value: Mapping[str, Any], lead: str) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, list):
            yield f"{lead}{key}:"
            for item in inner:
                yield from _item(item, " " * len(lead) + "  - ")
        else:
            yield f"{lead}{key}: {json.dumps(inner)}"
        lead = " " * len(lead)


def _item(item: Any, lead: str) -> Iterator[str]:
    if isinstance(item, dict):
        yield from _mapping(item, lead)
    else:
        yield f"{lead}{json.dumps(item)}"


def _set(records: Sequence[DnsRecord]) -> dict[str, Any]:
    first, values = records[0], [_value(record) for record in records]
    kept = {"value": values[0]} if first.type == "CNAME" else {"values": values}
    return {"ttl": parts.DEFAULT_TTL, "type": first.type, **kept}


def _value(record: DnsRecord) -> Any:
    match record.type:
        case "TXT":
            return parts.text(record.data).replace(";", "\\;")
        case "MX":
            preference, host = parts.mx(record.data)
            return {"exchange": host, "preference": preference}
        case "SRV":
            priority, weight, port, host = parts.srv(record.data)
            return {"port": port, "priority": priority, "target": host, "weight": weight}
        case "CAA":
            flags, tag, value = parts.caa(record.data)
            return {"flags": flags, "tag": tag, "value": value}
        case "TLSA":
            usage, selector, matching, digest = parts.tlsa(record.data)
            numbers = {"certificate_usage": usage, "matching_type": matching, "selector": selector}
            return {"certificate_association_data": digest, **numbers}
        case _:
            return record.data
