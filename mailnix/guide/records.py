"""The records to publish, grouped by zone, by how much they are needed, and by what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any, Final

from attrs import frozen

from mailnix.doctor.values import Finding
from mailnix.guide.codes import data_link
from mailnix.guide.states import State, state
from mailnix.model.names import to_unicode
from mailnix.plan import DnsRecord, Need, Plan
from mailnix.zones import parts, paste, zone
from mailnix.zones.providers import Provider, Texts

_PLAIN: Final[dict[str, Any]] = {"texts": Texts.PLAIN, "apart": ("MX", "SRV", "CAA"), "source": ""}
USUAL: Final = Provider("", "most pages", **_PLAIN)
"""How most providers' pages want records typed."""
_HEADINGS: Final = {
    Need.REQUIRED: ("Required", "Without these, mail is lost or refused."),
    Need.RECOMMENDED: ("Recommended", "Mail works without them, but less safely or with more work for its users."),
    Need.OPTIONAL: ("Optional", "Good to have."),
}
_REVERSE: Final = "dns.ptr"
_ZONE_FILE: Final = "text/plain;charset=utf-8"


@frozen
class Row:
    """A record as a provider's page wants it typed: `own` and `zone` together are its name, `short` is what is typed.

    `fields` stand before the value (priority 10); `missing` says that its key is still to be made.
    """

    type: str
    own: str
    zone: str
    short: str
    fields: str
    value: str
    note: str
    missing: bool
    states: tuple[State, ...]

    @property
    def name(self) -> str:
        """The whole name."""
        return ".".join(part for part in (self.own, self.zone) if part)


@frozen
class Purpose:
    """Records with one reason."""

    reason: str
    rows: tuple[Row, ...]


@frozen
class Group:
    """Records that are needed as much as each other."""

    title: str
    text: str
    purposes: tuple[Purpose, ...]


@frozen
class Zone:
    """A zone to be edited, and all of it as a zone file, which is in the link."""

    name: str
    shown: str
    groups: tuple[Group, ...]
    file: str
    link: str


def zones(plan: Plan, findings: Iterable[Finding], where: Provider) -> tuple[Zone, ...]:
    """Every zone of ours with its records, in the plan's order."""
    found = tuple(findings)
    names = dict.fromkeys(record.zone for record in plan.records if record.zone)
    return tuple(_zone(name, [r for r in plan.records if r.zone == name], found, where) for name in names)


def elsewhere(plan: Plan, findings: Iterable[Finding], where: Provider) -> tuple[Row, ...]:
    """Records in zones of others: reverse names, and who else agrees to get reports."""
    found = tuple(findings)
    return tuple(_row(record, found, where) for record in plan.records if not record.zone)


def _zone(name: str, records: list[DnsRecord], findings: tuple[Finding, ...], where: Provider) -> Zone:
    ((file, text),) = zone.files(records).items()
    return Zone(
        name,
        to_unicode(name),
        tuple(_groups(records, findings, where)),
        file,
        data_link(_ZONE_FILE, text.encode()),
    )


def _groups(records: list[DnsRecord], findings: tuple[Finding, ...], where: Provider) -> Iterator[Group]:
    for need, reasons in parts.by_reason(records).items():
        purposes = (
            Purpose(reason, tuple(_row(record, findings, where) for record in those))
            for reason, those in reasons.items()
        )
        yield Group(*_HEADINGS[need], tuple(purposes))


def _row(record: DnsRecord, findings: tuple[Finding, ...], where: Provider) -> Row:
    _, kind, fields, value = paste.row(record, where)
    own = parts.relative(record) if record.zone else record.name
    is_apex = own == parts.APEX
    return Row(
        type=kind,
        own="" if is_apex else own,
        zone=record.zone,
        short=where.apex if is_apex else own,
        fields=fields,
        value=value,
        note=record.note,
        missing=record.placeholder,
        states=tuple(state(each) for each in findings if _is_about(each, record)),
    )


def _is_about(finding: Finding, record: DnsRecord) -> bool:
    """Whether a finding is about records of this name and type; a reverse name is called by its address."""
    if record.type == "PTR":
        return finding.id == _REVERSE and _pointer(finding.subject) == record.name
    return finding.id.startswith("dns.") and finding.subject == f"{record.name} {record.type}"


def _pointer(address: str) -> str:
    """Where the reverse name of an address stands; empty for a text that is none."""
    try:
        return ip_address(address).reverse_pointer
    except ValueError:
        return ""
