"""TXT records: of those at a name, the ones of our kind count, and there may be one of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mailnix.plan.types import DnsRecord
from mailnix.published.values import Finding, State
from mailnix.resolve import text_of

_VERSION: Final = re.compile(r"\s*(v\s*=\s*\w+|path=)", re.IGNORECASE)
_SEVERAL: Final = {
    "v=spf1": ("who has several SPF records has none (RFC 7208 4.5)", "merge them into one: Domain(spf=[…])"),
    "v=dmarc1": ("who has several DMARC records has none (RFC 7489 6.6.3)", "remove the others"),
    "v=dkim1": ("which of several keys counts is left to chance (RFC 6376 3.6.2.2)", "remove the others"),
    "v=stsv1": ("who has several has none (RFC 8461 3.1)", "remove the others"),
    "v=tlsrptv1": ("who has several has none (RFC 8460 3)", "remove the others"),
}
_BESIDE: Final = ("which of them counts is left to chance", "remove the others")
_MERGE: Final = "put this in its place; who else may send belongs into Domain(spf=[…])"


def compare(records: Sequence[DnsRecord], found: Sequence[str]) -> Iterator[Finding]:
    """What differs of the TXT records of one name; others' are passed over."""
    for record in records:
        wanted = text_of(record.data)
        version = _version(wanted)
        # A DKIM record needs no version, and no other kind stands at its name.
        rivals = [data for data in found if version in (_version(text_of(data)), "v=dkim1")]
        equal = [data for data in rivals if _tidy(text_of(data)) == _tidy(wanted)]
        others = tuple(data for data in rivals if data not in equal)
        if not rivals:
            yield _finding(State.MISSING, record, (), record.reason, "publish it")
        elif len(rivals) > 1:
            yield _finding(State.IN_THE_WAY, record, others or tuple(rivals), *_SEVERAL.get(version, _BESIDE))
        elif others:
            todo = _MERGE if version == "v=spf1" else "put this in its place"
            yield _finding(State.DIFFERENT, record, others, record.reason, todo)


def _finding(state: State, record: DnsRecord, found: tuple[str, ...], why: str, todo: str) -> Finding:
    return Finding(state, record.name, record.type, (record.data,), found, why, todo, record.need)


def _version(text: str) -> str:
    match = _VERSION.match(text)
    return re.sub(r"\s", "", match[1]).lower() if match else ""


def _tidy(text: str) -> str:
    """A text without the white space and the last semicolon that mean nothing in any of these kinds."""
    return re.sub(r"\s+", " ", re.sub(r"\s*;\s*", "; ", text)).strip().rstrip(";").rstrip()
