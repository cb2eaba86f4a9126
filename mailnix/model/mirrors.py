"""Domains that mirror another: which addresses they have.

Mailcow's alias domain reaches the other's mailboxes by itself, but none of its aliases (mailcow-dockerized issue 724),
so each of those is an alias here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailnix.model.mail import Alias, address_of, without_tag
from mailnix.model.topology import Domain, Topology

CATCH_ALL = ""
"""The local part of an alias for all that a domain does not have, as Mailcow writes it: "@example.org"."""


def by_name(topology: Topology) -> dict[str, Domain]:
    """The domains by their names."""
    return {domain.name: domain for domain in topology.domains}


def aliases(domain: Domain, domains: Mapping[str, Domain]) -> Iterator[Alias]:
    """Every alias that a domain has in Mailcow, its catch-all among them: what it says itself goes before what it
    mirrors. All targets are whole addresses, mirrored mailboxes by the one that they log in with: Mailcow lets people
    write as an alias that leads to that one, and to no other name of it.
    """
    seen: set[str] = set()
    real = _login(domains)
    for source in filter(None, (domain, domains.get(domain.alias_of or ""))):
        catch_all = (Alias(CATCH_ALL, source.catch_all),) if source.catch_all else ()
        for alias in (*source.aliases, *catch_all):
            if alias.local_part not in seen:
                seen.add(alias.local_part)
                targets = dict.fromkeys(real(address_of(target, source.name)) for target in alias.to)
                yield Alias(alias.local_part, tuple(targets), alias.discard)


def _login(domains: Mapping[str, Domain]) -> Callable[[str], str]:
    """What gives the address that a mirrored mailbox logs in with; others as they are."""
    boxes: dict[str, frozenset[str]] = {}

    def found(address: str) -> str:
        local_part, _, name = address.rpartition("@")
        domain = domains.get(name)
        target = domains.get(domain.alias_of or "") if domain else None
        if domain is None or target is None:
            return address
        if name not in boxes:
            own = {alias.local_part for alias in domain.aliases}
            boxes[name] = frozenset(mailbox.local_part for mailbox in target.mailboxes) - own
        here = without_tag(address).rpartition("@")[0] in boxes[name]
        return f"{local_part}@{target.name}" if here else address

    return found


def local_parts(domain: Domain, domains: Mapping[str, Domain]) -> frozenset[str]:
    """The local parts of every address that a domain has, but for its catch-all."""
    sources = tuple(filter(None, (domain, domains.get(domain.alias_of or ""))))
    boxes = {mailbox.local_part for source in sources for mailbox in source.mailboxes}
    return frozenset(boxes | {alias.local_part for source in sources for alias in source.aliases})
