"""Zone files (RFC 1035 5.1), which nearly every provider imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mailnix.model.names import to_unicode
from mailnix.plan.types import DnsRecord
from mailnix.zones import parts

_ELSEWHERE: Final = {
    "PTR": "Reverse names are set where the address comes from, not in this zone",
    "TXT": "Reports go to another's domain, whose zone must agree (RFC 7489 7.1)",
}


def zone_text(records: Iterable[DnsRecord]) -> str:
    """All zones in one text: absolute names, a section for each zone; what is not in them stands in comments."""
    by_zone: dict[str, list[DnsRecord]] = {}
    for record in records:
        by_zone.setdefault(record.zone, []).append(record)
    elsewhere = by_zone.pop("", [])
    lines = [f"$TTL {parts.DEFAULT_TTL}"]
    for zone, members in by_zone.items():
        lines += ["", *_section(zone, members)]
    for kind, told in _ELSEWHERE.items():
        found = [
            f"; {r.name}. IN {r.type} {r.data}{f' ; {r.note}' if kind != 'PTR' else ''}"
            for r in elsewhere
            if r.type == kind
        ]
        lines += ["", f"; {told}:", *found] if found else []
    return "\n".join(lines) + "\n"


def files(records: Iterable[DnsRecord]) -> Mapping[str, str]:
    """A file for each zone."""
    found: dict[str, list[DnsRecord]] = {}
    for record in records:
        if record.zone:
            found.setdefault(record.zone, []).append(record)
    return {f"{zone}.zone": zone_text(members) for zone, members in found.items()}


def _section(zone: str, records: Iterable[DnsRecord]) -> Iterator[str]:
    shown = to_unicode(zone)
    yield f"; {zone}" if shown == zone else f"; {zone} ({shown})"
    yield f"$ORIGIN {zone}."
    for need, reasons in parts.by_reason(records).items():
        yield from ("", f"; {need.upper()}")
        for reason, members in reasons.items():
            yield f"; {reason}"
            yield from map(_line, members)


def _line(record: DnsRecord) -> str:
    comment = f" ; {record.note}" if record.note else ""
    start = "; " if record.placeholder else ""
    return f"{start}{record.name}. IN {record.type} {record.data}{comment}"
