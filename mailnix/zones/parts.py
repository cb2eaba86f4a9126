"""A record's name and data taken apart, as formats want them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, TypeVar

from mailnix.plan.types import DnsRecord, Need

DEFAULT_TTL: Final = 3600  # seconds
APEX: Final = "@"
_Key = TypeVar("_Key", bound=Hashable)
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


def zones(records: Iterable[DnsRecord]) -> Mapping[str, tuple[DnsRecord, ...]]:
    """Each zone with what can be published in it now: neither PTRs nor records whose key is not known yet."""
    return _by((record for record in records if not record.placeholder and record.zone), lambda record: record.zone)


def sets(records: Iterable[DnsRecord]) -> Mapping[tuple[str, str], tuple[DnsRecord, ...]]:
    """Records by name and type: what DNS serves together."""
    return _by(records, lambda record: (record.name, record.type))


def by_reason(records: Iterable[DnsRecord]) -> Mapping[Need, Mapping[str, tuple[DnsRecord, ...]]]:
    """Records by how much they are needed, and by what for."""
    found = _by(records, lambda record: record.need)
    return {need: _by(found[need], lambda record: record.reason) for need in Need if need in found}


def _by(records: Iterable[DnsRecord], key: Callable[[DnsRecord], _Key]) -> dict[_Key, tuple[DnsRecord, ...]]:
    found: dict[_Key, list[DnsRecord]] = {}
    for record in records:
        found.setdefault(key(record), []).append(record)
    return {each: tuple(members) for each, members in found.items()}


def relative(record: DnsRecord) -> str:
    """The owner's name within its zone; `@` for the zone itself."""
    return APEX if record.name == record.zone else record.name.removesuffix(f".{record.zone}")


def text(data: str) -> str:
    """The text of a TXT record's data, its strings joined."""
    return "".join(re.sub(r"\\(.)", r"\1", each) for each in _STRING.findall(data))


def mx(data: str) -> tuple[int, str]:
    """Preference and host."""
    preference, host = data.split()
    return int(preference), host


def srv(data: str) -> tuple[int, int, int, str]:
    """Priority, weight, port and host."""
    priority, weight, port, host = data.split()
    return int(priority), int(weight), int(port), host


def caa(data: str) -> tuple[int, str, str]:
    """Flags, tag and value."""
    flags, tag, value = data.split(" ", 2)
    return int(flags), tag, text(value)


def tlsa(data: str) -> tuple[int, int, int, str]:
    """Certificate usage, selector, matching type and the digest in hex (RFC 6698 2.1), empty where it is not known."""
    usage, selector, matching, *digest = data.split()
    return int(usage), int(selector), int(matching), "".join(digest)


def undotted(host: str) -> str:
    """A host name without its last dot; the root stays a dot (RFC 2782: "not offered")."""
    return host.rstrip(".") or "."
