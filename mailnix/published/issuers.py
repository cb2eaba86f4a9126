"""CAA records: that ours may issue certificates for our names, and nobody who is not described (RFC 8659)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mailnix.plan.types import DnsRecord
from mailnix.published.meaning import further_authorities
from mailnix.published.values import Finding, State
from mailnix.resolve import Answer, Found, Question, same
from mailnix.zones import parts

_ISSUE: Final = "issue"
_OTHERS: Final = "it lets others issue certificates for our names, too"
_DESCRIBE: Final = "remove it; what stands at a mail domain itself can be described: Domain(caa=[…])"


def parents(name: str, zone: str) -> Iterator[str]:
    """The names above one, up to its zone."""
    while name != zone and name.endswith(f".{zone}"):
        name = name.partition(".")[2]
        yield name


def compare(records: Sequence[DnsRecord], found: Sequence[str]) -> Iterator[Finding]:
    """What is missing of the CAA records of one name, or what lets others issue, too."""
    missing = tuple(r.data for r in records if not any(same("CAA", r.data, data) for data in found))
    if not missing:
        wanted = tuple(r.data for r in records)
        if others := further_authorities(wanted, found):
            first = records[0]
            yield Finding(State.IN_THE_WAY, first.name, "CAA", wanted, others, _OTHERS, _DESCRIBE, first.need)
        return
    first, barred = records[0], _bars(found, issuer_of(records))
    state = State.IN_THE_WAY if barred else State.MISSING
    why = "it lets others issue certificates, and not the authority that we ask" if barred else first.reason
    todo = "publish this beside it, or in its place" if found else "publish it"
    yield Finding(state, first.name, "CAA", missing, tuple(found), why, todo, first.need)


def forbidding(records: Sequence[DnsRecord], answers: Mapping[Question, Answer]) -> Iterator[Finding]:
    """CAA records above our names, a web site's say, that leave our authority out.

    By RFC 8659 the nearer record counts; but Mailcow reads those of its name's parent, and asks for no certificate.
    """
    hosts = [record for record in records if record.type == "CAA" and parts.caa(record.data)[1] == _ISSUE]
    barring: dict[str, DnsRecord] = {}
    for record in hosts:
        for parent in parents(record.name, record.zone):
            answer = answers[parent, "CAA"]
            if isinstance(answer, Found) and _bars(answer.records, issuer_of([record])):
                barring.setdefault(parent, record)
    described = {record.name for record in hosts}
    for parent, record in barring.items():
        answer = answers[parent, "CAA"]
        if parent in described or not isinstance(answer, Found):
            continue
        why = f"no certificate for {record.name}: Mailcow reads this, too, and sees its authority left out"
        todo = "publish this beside it; Domain(caa=[…]) describes both"
        yield Finding(State.IN_THE_WAY, parent, "CAA", (record.data,), answer.records, why, todo, record.need)


def issuer_of(records: Sequence[DnsRecord]) -> str:
    """The first authority that these CAA records name: ours."""
    issues = (parts.caa(record.data) for record in records)
    return next((_authority(value) for _flags, tag, value in issues if tag == _ISSUE), "")


def _bars(found: Sequence[str], issuer: str) -> bool:
    """Whether these records let somebody issue, or nobody, but not `issuer`."""
    issues = [value for _flags, tag, value in map(parts.caa, found) if tag.lower() == _ISSUE]
    return bool(issues) and issuer not in map(_authority, issues)


def _authority(value: str) -> str:
    return value.partition(";")[0].strip().lower()
