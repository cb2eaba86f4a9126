"""Aliases: those that we made follow the description, those that others made stay.

What somebody noted of one (its private comment) stays, behind our mark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .description import Alias, Domain
from .mailboxes import NULL, marked, new_alias, ours, targets
from .work import Row, Work


class Aliases:
    """Brings aliases to what is described; `found` is by address, without those whose place mailboxes took."""

    def __init__(self, work: Work, found: Mapping[str, Row]) -> None:
        self._work = work
        self._found = found

    def drop(self, domains: Iterable[Domain], made: Collection[str], gone: Collection[str]) -> None:
        """Remove aliases that we made and that are described no more; `made` are the mailboxes that there are.

        Those of domains that are `gone` go, too: Postfix follows an alias also where its domain is switched off.
        """
        domains = tuple(domains)
        names = {domain.name for domain in domains} | {*gone}
        described = {alias.address for domain in domains for alias in domain.aliases}
        # One whose place a mailbox shall take goes just before that is made: no mail may bounce in between.
        mailboxes = {mailbox.address for domain in domains for mailbox in domain.mailboxes}
        described |= mailboxes
        for address in mailboxes - {*made}:  # one that is not there is not in mirrors either
            local_part, _, name = address.rpartition("@")
            described |= {f"{local_part}@{mirror.name}" for mirror in domains if mirror.alias_of == name}
        for address, row in self._found.items():
            if ours(row) and row["domain"] in names and address not in described:
                self._work.drop(row)

    def bring(self, domain: Domain, left: Collection[str]) -> None:
        """Bring a domain's aliases, but for those in whose place a mailbox still is, in it or in what it mirrors."""
        for alias in domain.aliases:
            if not occupant(alias, domain, left):
                self._alias(alias, self._found.get(alias.address), writes=not _nets_others(alias, domain))

    def _alias(self, alias: Alias, now: Row | None, *, writes: bool) -> None:
        goto = NULL if alias.discard else ",".join(sorted(alias.to))
        api, what = self._work.api, f"{alias.address}: alias of {'nobody' if alias.discard else goto}"
        if now is None:
            attributes = new_alias(alias.address, goto, writes=writes)
            self._work.attempt(f"{what} added", api.add, "alias", attributes)
            return
        same_targets = {to.strip().lower() for to in now["goto"].split(",")} == {*goto.split(",")}
        if same_targets and int(now["active"]) and ours(now):
            return
        changed = {**targets(goto), "private_comment": marked(now)}
        self._work.attempt(f"{what} changed", api.edit, "alias", now["id"], changed)


def occupant(alias: Alias, domain: Domain, left: Collection[str]) -> str:
    """The mailbox that still is in an alias's place, in its domain or in what that mirrors; empty for none."""
    local_part = alias.address.rpartition("@")[0]
    places = (alias.address, f"{local_part}@{domain.alias_of}")
    return next((address for address in places if address in left), "")


def _nets_others(alias: Alias, domain: Domain) -> bool:
    """Whether whom an alias leads to could write as others by it: mailboxes have no alias of their own in a mirror, so
    its catch-all stands for them, too, in Mailcow's map of senders (mysql_virtual_sender_acl.cf).
    """
    return bool(domain.alias_of) and alias.address[0] == "@"
