"""Records as a table to copy into a provider's page, in the order in which they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from mailnix.model.names import to_unicode
from mailnix.plan.types import DnsRecord
from mailnix.zones import parts
from mailnix.zones.providers import Provider, Texts

GAP: Final = "  "
EMPTY: Final = "(empty)"
HEADING: Final = ("NAME", "TYPE", "FIELDS", "VALUE")
_HOSTS: Final = ("CNAME", "MX", "SRV")


def table(records: Iterable[DnsRecord], where: Provider) -> str:
    """A section for each zone, a line of reason for each kind of record, and before all how to read it."""
    zones = parts.zones(records)
    lines = list(_about(where))
    for zone, members in zones.items():
        lines += ["", zone if to_unicode(zone) == zone else f"{zone} ({to_unicode(zone)})", *_section(members, where)]
    return "\n".join(lines) + "\n"


def _about(where: Provider) -> Iterator[str]:
    cut = "as they are, without quotes, each in one piece"
    split = "with their quotes; several strings with their spaces are one record"
    yield f"For {where.called}. Texts: {cut if where.texts is Texts.PLAIN else split}."
    yield f"Names: without the zone; {where.apex or EMPTY} is the zone itself. TTL: {parts.DEFAULT_TTL}."
    if where.hint:
        yield f"{where.hint[0].upper()}{where.hint[1:]}."
    yield (
        f"Read at {where.source}"
        + ("" if where.own else ", which is not its own documentation: look with mailnix dns diff")
        + "."
    )


def _section(records: Sequence[DnsRecord], where: Provider) -> Iterator[str]:
    rows = {record: row(record, where) for record in records}
    widths = [max(len(cells[column]) for cells in (HEADING, *rows.values())) for column in range(len(HEADING))]
    yield _line(HEADING, widths)
    for need, reasons in parts.by_reason(records).items():
        for reason, members in reasons.items():
            yield f"{need}: {reason}"
            yield from (_line(rows[record], widths) for record in members)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP + GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def row(record: DnsRecord, where: Provider) -> tuple[str, str, str, str]:
    """Name, type, what goes into fields of its own, and the value."""
    name = parts.relative(record)
    fields, value = _fields(record, where)
    if record.type in _HOSTS and not where.dotted:
        value = " ".join([*value.split()[:-1], parts.undotted(value.split()[-1])])
    return (where.apex or EMPTY if name == parts.APEX else name), record.type, fields, value


def _fields(record: DnsRecord, where: Provider) -> tuple[str, str]:
    data = record.data
    if record.type == "TXT":
        return "", parts.text(data) if where.texts is Texts.PLAIN else data
    if record.type not in where.apart:
        return "", data
    match record.type:
        case "MX":
            preference, host = parts.mx(data)
            return f"priority {preference}", host
        case "SRV":
            priority, weight, port, host = parts.srv(data)
            return f"priority {priority}, weight {weight}, port {port}", host
        case "TLSA":
            usage, selector, matching, digest = parts.tlsa(data)
            return f"usage {usage}, selector {selector}, matching type {matching}", digest
        case _:
            flags, tag, value = parts.caa(data)
            return f"flags {flags}, tag {tag}", value
