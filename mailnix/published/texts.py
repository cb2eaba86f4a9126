"""TXT records: of those at a name, the ones of our kind count, and there may be one of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mailnix.plan.types import DnsRecord
from mailnix.published import meaning
from mailnix.published.values import Finding, State
from mailnix.resolve import text_of

_OTHERS: Final = "remove the others"
_SEVERAL: Final = {
    meaning.SPF: ("who has several SPF records has none (RFC 7208 4.5)", "merge them into one: Domain(spf=[…])"),
    meaning.DKIM: ("which of several keys counts is left to chance (RFC 6376 3.6.2.2)", _OTHERS),
    meaning.DMARC: ("who has several DMARC records has none (RFC 7489 6.6.3)", _OTHERS),
    meaning.MTA_STS: ("who has several has none (RFC 8461 3.1)", _OTHERS),
    meaning.TLS_RPT: ("who has several has none (RFC 8460 3)", _OTHERS),
    meaning.DAV: ("which of them counts is left to chance", _OTHERS),
}
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


def _finding(state: State, record: DnsRecord, found: tuple[str, ...], why: str, todo: str) -> Finding:
    return Finding(state, record.name, record.type, (record.data,), found, why, todo, record.need)
