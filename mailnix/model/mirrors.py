"""Domains that mirror another: which addresses they have.

Mailcow's alias domain reaches the other's mailboxes by itself, but none of its aliases (mailcow-dockerized issue 724),
so each of those is an alias here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailnix.model.mail import Alias, address_of
from mailnix.model.topology import Domain, Topology

CATCH_ALL = ""
"""The local part of an alias for all that a domain does not have, as Mailcow writes it: "@example.org"."""


def by_name(topology: Topology) -> dict[str, Domain]:
    """The domains by their names."""
    return {domain.name: domain for domain in topology.domains}


def aliases(domain: Domain, domains: Mapping[str, Domain]) -> Iterator[Alias]:
    """Every alias that a domain has in Mailcow, its catch-all among them: what it says itself goes before what it
    mirrors. All targets are whole addresses.
    """
    seen: set[str] = set()
    for source in filter(None, (domain, domains.get(domain.alias_of or ""))):
        catch_all = (Alias(CATCH_ALL, source.catch_all),) if source.catch_all else ()
        for alias in (*source.aliases, *catch_all):
            if alias.local_part not in seen:
                seen.add(alias.local_part)
                targets = dict.fromkeys(address_of(target, source.name) for target in alias.to)
                yield Alias(alias.local_part, tuple(targets), alias.discard)


def local_parts(domain: Domain, domains: Mapping[str, Domain]) -> frozenset[str]:
    """The local parts of every address that a domain has, but for its catch-all."""
    sources = tuple(filter(None, (domain, domains.get(domain.alias_of or ""))))
    boxes = {mailbox.local_part for source in sources for mailbox in source.mailboxes}
    return frozenset(boxes | {alias.local_part for source in sources for alias in source.aliases})
