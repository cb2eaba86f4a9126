"""CAA records: that ours may issue certificates for our names, and nobody who is not described (RFC 8659)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.plan.types import DnsRecord
from mailnix.published.meaning import authorities, bars, further_authorities, read_by_mailcow
from mailnix.published.values import Finding, State
from mailnix.resolve import Absent, Answer, Found, Question, same

_CAA: Final = "CAA"
_ADDRESSES: Final = ("A", "AAAA")
_OTHERS: Final = "it lets others issue certificates for our names, too"
_DESCRIBE: Final = "remove it; what stands at a mail domain itself can be described: Domain(caa=[…])"
_BESIDE: Final = "publish this beside it; Domain(caa=[…]) describes both"


def questions(records: Iterable[DnsRecord], mailcow: Collection[str]) -> Iterator[Question]:
    """What to ask beside the records themselves; `mailcow` are the names that Mailcow asks certificates for."""
    for record in records:
        if record.type == "CNAME":
            yield from ((name, _CAA) for name in _climbed(record))
        if record.type == _CAA and record.name in mailcow:
            yield read_by_mailcow(record.name), _CAA


def compare(records: Sequence[DnsRecord], found: Sequence[str]) -> Iterator[Finding]:
    """What is missing of the CAA records of one name, or what lets others issue, too."""
    missing = tuple(r.data for r in records if not any(same(_CAA, r.data, data) for data in found))
    if not missing:
        wanted = tuple(r.data for r in records)
        if others := further_authorities(wanted, found):
            first = records[0]
            yield Finding(State.IN_THE_WAY, first.name, _CAA, wanted, others, _OTHERS, _DESCRIBE, first.need)
        return
    first, barred = records[0], bars(found, issuer_of(records))
    state = State.IN_THE_WAY if barred else State.MISSING
    why = "it lets others issue certificates, and not the authority that we ask" if barred else first.reason
    todo = "publish this beside it, or in its place" if found else "publish it"
    yield Finding(state, first.name, _CAA, missing, tuple(found), why, todo, first.need)


def issuing(records: Iterable[DnsRecord]) -> tuple[DnsRecord, ...]:
    """The CAA records by which somebody may issue."""
    return tuple(record for record in records if record.type == _CAA and authorities([record.data]))


def forbidding(
    issues: Sequence[DnsRecord], answers: Mapping[Question, Answer], mailcow: Collection[str]
) -> Iterator[Finding]:
    """CAA records above Mailcow's names, a web site's say, that leave our authority out.

    By RFC 8659 the nearer record counts; but Mailcow reads those of its name's parent, and asks for no certificate.
    """
    told = {record.name for record in issues}  # what is described is compared as that
    for record in issues:
        parent = read_by_mailcow(record.name)
        answer = answers.get((parent, _CAA))
        if record.name not in mailcow or parent in told or not isinstance(answer, Found):
            continue
        if bars(answer.records, issuer_of([record])):
            told.add(parent)
            why = f"no certificate for {record.name}: Mailcow reads this, too, and sees its authority left out"
            yield Finding(State.IN_THE_WAY, parent, _CAA, (record.data,), answer.records, why, _BESIDE, record.need)


def at_addresses(
    records: Sequence[DnsRecord],
    answers: Mapping[Question, Answer],
    ours: Collection[str],
    issues: Sequence[DnsRecord],
) -> Iterator[Finding]:
    """CAA records that count for a name that leads to us by addresses: as an alias, it had those of its target."""
    for record in records:
        if record.type != "CNAME" or not _is_at(record.name, answers, ours):
            continue
        target = record.data.rstrip(".")
        issue = next((each for each in issues if each.name == target), None)
        owner, found = _nearest(record, answers)
        if issue is not None and bars(found, issuer_of([issue])):
            why = f"no certificate for it: {owner} leaves its authority out"
            todo = f"publish this, or a CNAME to {record.data} in the place of its addresses"
            yield Finding(State.IN_THE_WAY, record.name, _CAA, (issue.data,), tuple(found), why, todo, record.need)


def issuer_of(records: Sequence[DnsRecord]) -> str:
    """The first authority that these CAA records name: ours."""
    named = (who for record in records for who in authorities([record.data]) or ())
    return next(named, "")


def _is_at(name: str, answers: Mapping[Question, Answer], ours: Collection[str]) -> bool:
    """Whether a name is no alias, and has an address of ours."""
    found = [answers[name, kind] for kind in _ADDRESSES]
    aliased = any(isinstance(each, Found | Absent) and each.aliases for each in found)
    return not aliased and any(isinstance(each, Found) and not {*each.records}.isdisjoint(ours) for each in found)


def _nearest(record: DnsRecord, answers: Mapping[Question, Answer]) -> tuple[str, Sequence[str]]:
    """The records that an authority finds for a name (RFC 8659 3), and where; none where nobody says."""
    for name in _climbed(record):
        match answers.get((name, _CAA)):
            case Found(records=found):
                return name, found
            case Absent():
                continue
            case _:
                break
    return "", ()


def _climbed(record: DnsRecord) -> Iterator[str]:
    """A name and those above it, up to its zone."""
    name = record.name
    yield name
    while name != record.zone and name.endswith(f".{record.zone}"):
        name = name.partition(".")[2]
        yield name
