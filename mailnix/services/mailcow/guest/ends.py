"""Where mail for an address ends: in a mailbox here, which judges it anew, or elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .description import Domain
from .mailboxes import NULL
from .work import Row

SINK = NULL.rpartition("@")[2]
"""Mailcow's domain for throwing away and for learning spam and ham."""


class Ends:
    """All addresses as they are described, and aliases that others made in Mailcow, `rows`, by address."""

    def __init__(self, domains: Iterable[Domain], rows: Mapping[str, Row]) -> None:
        domains = tuple(domains)
        self._mirrored = {domain.name: domain.alias_of for domain in domains}
        self._mailboxes = {mailbox.address for domain in domains for mailbox in domain.mailboxes}
        self._leads: dict[str, Collection[str]] = {
            address: [to.strip().lower() for to in row["goto"].split(",")]
            for address, row in rows.items()
            if int(row["active"])
        }
        self._leads |= {alias.address: alias.to for domain in domains for alias in domain.aliases}
        self._known: dict[str, bool] = {}

    def here(self, address: str) -> bool:
        """Whether all that an address leads to, alias by alias, is here. What forwards a mailbox has is its own."""
        if address not in self._known:
            self._known[address] = self._walk(address)
        return self._known[address]

    def _walk(self, address: str) -> bool:
        seen: set[str] = set()
        ahead = [address]
        while ahead:
            address = ahead.pop()
            if address not in seen:
                seen.add(address)
                to = self._next(address)
                if to is None:
                    return False
                ahead += to
        return True

    def _next(self, address: str) -> Collection[str] | None:
        """What an address leads to, as Postfix asks; nothing where it ends here, None where that is elsewhere."""
        whole, _, name = address.rpartition("@")
        if name == SINK:
            return ()
        if name not in self._mirrored:
            return None
        local_part = whole.partition("+")[0]
        for part in (whole, local_part):
            if part and f"{part}@{name}" in self._leads:
                return self._leads[f"{part}@{name}"]
        if {f"{local_part}@{name}", f"{local_part}@{self._mirrored[name]}"} & self._mailboxes:
            return ()
        return self._leads.get(f"@{name}")
