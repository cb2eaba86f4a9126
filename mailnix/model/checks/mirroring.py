"""Domains that mirror another: which one, and what they may have of their own."""

from __future__ import annotations

from mailnix.model.checks.found import Found, domains_by_name, each
from mailnix.model.mail import Alias, Mailbox
from mailnix.model.topology import Domain, Topology


def check(topology: Topology, taken: dict[str, str], found: Found) -> None:
    """Check every `alias_of`, and enter the addresses that come by it."""
    domains = domains_by_name(topology)
    for path, domain in each(topology.domains, Domain, "domains"):
        if domain.alias_of is None or not isinstance(domain.alias_of, str):
            continue
        target = domains.get(domain.alias_of)
        at = f"{path}.alias_of"
        if target is None:
            found.error(at, f"{domain.alias_of} is none of the domains here", "describe it, too")
        elif domain.alias_of == domain.name:
            found.error(at, f"{domain.name} cannot mirror itself", "name another domain")
        elif target.alias_of is not None:
            found.error(at, f"{domain.alias_of} mirrors {target.alias_of} itself", f"mirror {target.alias_of}, too")
        else:
            _mirror(domain, target, path, taken, found)


def _mirror(domain: Domain, target: Domain, path: str, taken: dict[str, str], found: Found) -> None:
    if domain.mailboxes:
        hint = f"move them to {target.name}, or leave alias_of out"
        found.error(f"{path}.mailboxes", f"an alias domain of {target.name} has no mailboxes in Mailcow", hint)
    boxes = {str(mailbox.local_part) for _, mailbox in each(target.mailboxes, Mailbox, "")}
    for at, alias in each(domain.aliases, Alias, f"{path}.aliases"):
        if str(alias.local_part) in boxes:
            message = f"{alias.local_part}@{domain.name} is the mailbox {alias.local_part}@{target.name} already"
            found.error(f"{at}.local_part", message, "Mailcow refuses an alias in its place: leave it out")
    for alias in (alias for _, alias in each(target.aliases, Alias, "")):
        taken.setdefault(f"{alias.local_part}@{domain.name}", path)
    for local_part in boxes:
        taken.setdefault(f"{local_part}@{domain.name}", path)
