"""What a description names of others' mail: addresses that mail is handed on to, names that others' SPF is under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mailnix.model import mirrors
from mailnix.model.mail import address_of
from mailnix.model.topology import Topology

INCLUDE: Final = "include:"


def addresses(topology: Topology) -> tuple[str, ...]:
    """Every address elsewhere that the description hands mail on to: somebody has a mailbox there."""
    ours = mirrors.by_name(topology)
    return tuple(sorted({address for address in _targets(topology) if address.rpartition("@")[2] not in ours}))


def _targets(topology: Topology) -> Iterator[str]:
    for domain in topology.domains:
        texts = (*(to for alias in domain.aliases for to in alias.to), *domain.catch_all)
        for text in (*texts, *(to for mailbox in domain.mailboxes for to in mailbox.forward_to)):
            yield address_of(text, domain.name)


def included(mechanisms: Iterable[str]) -> tuple[str, ...]:
    """Names that SPF includes (RFC 7208 5.2): without a record there, who checks us finds an error."""
    return tuple(dict.fromkeys(name for text in mechanisms if "%" not in (name := _included(text)) and name))


def _included(mechanism: str) -> str:
    text = mechanism.strip().lstrip("+?~-")
    return text[len(INCLUDE) :].rstrip(".") if text.lower().startswith(INCLUDE) else ""
