"""Mailboxes and aliases: addresses, quotas and names, each address once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mailnix.model import reach
from mailnix.model.checks import access, forwarding, mirroring
from mailnix.model.checks.found import Found, domains_by_name, each
from mailnix.model.mail import Alias, Mailbox, shown_name
from mailnix.model.names import MIB, address_problem, length_problem, mailbox_problem, parse_size
from mailnix.model.topology import Domain, Topology

POSTMASTER: Final = "postmaster"
NAME_MAX: Final = 255


def check(topology: Topology, found: Found) -> None:
    """Check every mailbox and alias, then where the aliases lead."""
    taken: dict[str, str] = {}
    for path, domain in each(topology.domains, Domain, "domains"):
        _domain(domain, path, taken, found)
    mirroring.check(topology, taken, found)
    domains = domains_by_name(topology)
    for path, domain in each(topology.domains, Domain, "domains"):
        _postmaster(domain, path, taken, domains.get, found)
    forwarding.check(topology, taken, found)
    access.check(topology, taken, found)


def _domain(domain: Domain, path: str, taken: dict[str, str], found: Found) -> None:
    for at, mailbox in each(domain.mailboxes, Mailbox, f"{path}.mailboxes"):
        _claim(mailbox.local_part, mailbox_problem, domain.name, at, taken, found)
        _quota(mailbox.quota, f"{at}.quota", found)
        _name(mailbox.name, f"{at}.name", found)
        _sends(mailbox.sends_per_hour, f"{at}.sends_per_hour", found)
    for at, alias in each(domain.aliases, Alias, f"{path}.aliases"):
        _claim(alias.local_part, address_problem, domain.name, at, taken, found)


def _postmaster(domain: Domain, path: str, taken: dict[str, str], find: reach.Find, found: Found) -> None:
    postmaster = f"{POSTMASTER}@{domain.name}"
    if (domain.mailboxes, domain.aliases, domain.catch_all, domain.alias_of) == ((), (), (), None):
        found.warning(path, f"{domain.name} has no mailbox and no alias", "add one, or leave the domain out")
    elif isinstance(domain.name, str) and not reach.arrives(postmaster, find):
        what = "a postmaster whose mail nobody gets" if postmaster in taken else f"no {POSTMASTER}"
        message = f"{domain.name} has {what}: every domain must have one (RFC 5321 4.5.1)"
        found.warning(path, message, f'add: Alias("{POSTMASTER}", to=[…])')


def _claim(
    local_part: Any,
    problem_of: Callable[[object], str | None],
    domain: Any,
    path: str,
    taken: dict[str, str],
    found: Found,
) -> None:
    """Enter an address, unless it is none or somebody else's."""
    at = f"{path}.local_part"
    problem = problem_of(local_part)
    if problem is not None:
        found.error(at, problem)
        return
    address = f"{local_part}@{domain}"
    problem = length_problem(address)
    if problem is not None:
        found.error(at, problem, "RFC 5321 4.5.3.1.3 allows no more, and Mailcow's PHP neither")
    elif address in taken:
        found.error(at, f"{address} is {taken[address]} already", "each address can be given once")
    taken.setdefault(address, path)


def _quota(quota: Any, path: str, found: Found) -> None:
    if not found.sound(path):
        return
    try:
        size = parse_size(quota)
    except ValueError as error:
        found.error(path, str(error))
        return
    if size < MIB:
        found.error(path, f"{quota!r} is less than one MiB", 'write for example "2 GiB"')


def _sends(number: Any, path: str, found: Found) -> None:
    if found.sound(path) and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        found.error(path, f"{number!r} is no number of messages", "write for example 300, or 0 for no limit")


def _name(name: Any, path: str, found: Found) -> None:
    if not isinstance(name, str) or not name:
        return
    kept = shown_name(name)
    if not name.isprintable() or len(name) > NAME_MAX:
        found.error(path, "is not a name: it has line breaks or control characters, or is too long")
    elif kept in ("", "0"):
        found.error(path, f"{name!r} counts as no name to Mailcow", "write a name, or leave it out")
    elif kept != name:
        found.warning(path, f"Mailcow takes the < or > at the end of {name!r} away", f"write {kept!r}")
