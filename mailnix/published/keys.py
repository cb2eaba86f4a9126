"""TLSA records where none is described: nobody keeps their key, and mail from who checks them stops (RFC 7672 2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mailnix.plan.dns import DANE_EE, tlsa_name
from mailnix.plan.types import DnsRecord, Need
from mailnix.published.values import Finding, State
from mailnix.resolve import Answer, Found, Question

KIND: Final = "TLSA"
_NO_KEY: Final = "who checks it sends nothing once the certificate is renewed, which then has another key"
_REMOVE: Final = "remove it"


def undescribed(records: Iterable[DnsRecord]) -> tuple[str, ...]:
    """Where records of our mail servers' keys would be, and none is described, known here or not."""
    records = tuple(records)
    hosts = dict.fromkeys(record.name for record in records if record.type == "A")
    mail = {record.data.split()[1].rstrip(".") for record in records if record.type == "MX"}
    described = {record.name for record in records if record.type == KIND}
    return tuple(name for name in (tlsa_name(host) for host in hosts if host in mail) if name not in described)


def left_over(keyless: Iterable[str], answers: Mapping[Question, Answer]) -> Iterator[Finding]:
    """Keys of a server's own; an authority's (usage 2) may stay what it is."""
    for name in keyless:
        answer = answers.get((name, KIND))
        if isinstance(answer, Found) and (there := tuple(filter(is_servers_own, answer.records))):
            yield Finding(State.IN_THE_WAY, name, KIND, (), there, _NO_KEY, _REMOVE, Need.REQUIRED)


def is_servers_own(data: str) -> bool:
    """Whether a TLSA record names a server's own key or certificate (usage 3, RFC 6698 2.1.1)."""
    return data.split()[:1] == DANE_EE.split()[:1]
