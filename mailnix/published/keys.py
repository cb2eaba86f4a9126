"""TLSA records where none is described: nobody keeps their key, and mail from who checks them stops (RFC 7672 2.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.plan.dns import DANE_EE, tlsa_name
from mailnix.plan.types import DnsRecord, Need
from mailnix.published.values import Finding, State
from mailnix.resolve import Answer, Found, Question

KIND: Final = "TLSA"
_NO_KEY: Final = "who checks it sends nothing once the certificate is renewed, which then has another key"
_REMOVE: Final = "remove it"


def undescribed(records: Iterable[DnsRecord]) -> frozenset[str]:
    """Where records of our mail servers' keys would be, and none is described, known here or not."""
    records = tuple(records)
    hosts = {record.name for record in records if record.type == "A"}
    mail = {record.data.split()[1].rstrip(".") for record in records if record.type == "MX"}
    return frozenset(map(tlsa_name, hosts & mail)) - {record.name for record in records if record.type == KIND}


def asked(records: Sequence[DnsRecord], keyless: Collection[str]) -> Iterator[str]:
    """Those of the names that are of hosts among these records: one zone's, say."""
    hosts = dict.fromkeys(record.name for record in records if record.type == "A")
    yield from (name for name in map(tlsa_name, hosts) if name in keyless)


def left_over(
    records: Sequence[DnsRecord], answers: Mapping[Question, Answer], keyless: Collection[str]
) -> Iterator[Finding]:
    """Keys of a server's own; an authority's (usage 2) may stay what it is."""
    for name in asked(records, keyless):
        answer = answers[name, KIND]
        if isinstance(answer, Found) and (there := tuple(filter(is_servers_own, answer.records))):
            yield Finding(State.IN_THE_WAY, name, KIND, (), there, _NO_KEY, _REMOVE, Need.REQUIRED)


def is_servers_own(data: str) -> bool:
    """Whether a TLSA record names a server's own key or certificate (usage 3, RFC 6698 2.1.1)."""
    return data.split()[:1] == DANE_EE.split()[:1]
