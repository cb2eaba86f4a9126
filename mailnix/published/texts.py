"""TXT records: of those at a name, the ones of our kind count, and there may be one of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.plan import purposes
from mailnix.plan.policies import mta_sts_record_name
from mailnix.plan.types import DnsRecord
from mailnix.published import meaning
from mailnix.published.values import Finding, State
from mailnix.resolve import Answer, Found, Question, text_of

_OTHERS: Final = "remove the others"
_SEVERAL: Final = {
    meaning.SPF: ("who has several SPF records has none (RFC 7208 4.5)", "merge them into one: Domain(spf=[…])"),
    meaning.DKIM: ("which of several keys counts is left to chance (RFC 6376 3.6.2.2)", _OTHERS),
    meaning.DMARC: ("who has several DMARC records has none (RFC 7489 6.6.3)", _OTHERS),
    meaning.MTA_STS: ("who has several has none (RFC 8461 3.1)", _OTHERS),
    meaning.TLS_RPT: ("who has several has none (RFC 8460 3)", _OTHERS),
    meaning.DAV: ("which of them counts is left to chance", _OTHERS),
}
_NO_POLICY: Final = "senders look for a policy (MTA-STS) that nobody serves"
_MERGE: Final = "put this in its place; who else may send belongs into Domain(spf=[…])"


def compare(records: Sequence[DnsRecord], found: Sequence[str]) -> Iterator[Finding]:
    """What differs of the TXT records of one name; others' are passed over."""
    for record in records:
        wanted = text_of(record.data)
        kind = meaning.kind_of(wanted)
        mine = kind.mine([*map(text_of, found)])
        rivals = [data for data in found if text_of(data) in mine]
        others = tuple(data for data in rivals if not kind.holds(text_of(data), wanted))
        if not rivals:
            yield _finding(State.MISSING, record, (), record.reason, "publish it")
        elif len(rivals) > 1:
            yield _finding(State.IN_THE_WAY, record, others or tuple(rivals), *_SEVERAL[kind])
        elif others:
            todo = _MERGE if kind is meaning.SPF else "put this in its place"
            yield _finding(State.DIFFERENT, record, others, record.reason, todo)


def undescribed(records: Sequence[DnsRecord]) -> tuple[str, ...]:
    """Where a mail domain that has no MTA-STS policy would announce one."""
    described = {record.name for record in records}
    names = (mta_sts_record_name(record.name) for record in records if record.type == "MX")
    return tuple(name for name in dict.fromkeys(names) if name not in described)


def left_over(policyless: Iterable[str], answers: Mapping[Question, Answer]) -> Iterator[Finding]:
    """Announcements of an MTA-STS policy that is not described; a wildcard's texts are none."""
    for name in policyless:
        answer = answers.get((name, "TXT"))
        if isinstance(answer, Found) and (there := tuple(filter(_announces, answer.records))):
            need = purposes.MTA_STS.need
            yield Finding(State.IN_THE_WAY, name, "TXT", (), there, _NO_POLICY, "remove it", need)


def _announces(data: str) -> bool:
    return meaning.MTA_STS.begin(text_of(data))


def _finding(state: State, record: DnsRecord, found: tuple[str, ...], why: str, todo: str) -> Finding:
    return Finding(state, record.name, record.type, (record.data,), found, why, todo, record.need)
