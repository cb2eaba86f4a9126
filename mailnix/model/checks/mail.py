"""Mailboxes and aliases: addresses, quotas, and where every alias ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mailnix.model.checks.found import Found, domain_names, each
from mailnix.model.names import MIB, domain_problem, local_part_problem, parse_size, to_ascii
from mailnix.model.topology import Alias, Domain, Mailbox, Topology

POSTMASTER: Final = "postmaster"
NAME_MAX: Final = 255


def check(topology: Topology, found: Found) -> None:
    """Check every mailbox and alias, then where the aliases lead."""
    taken: dict[str, str] = {}
    for path, domain in each(topology.domains, Domain, "domains"):
        _domain(domain, path, taken, found)
    _targets(topology, taken, found)


def _domain(domain: Domain, path: str, taken: dict[str, str], found: Found) -> None:
    for at, mailbox in each(domain.mailboxes, Mailbox, f"{path}.mailboxes"):
        _claim(mailbox.local_part, domain.name, at, taken, found)
        _quota(mailbox.quota, f"{at}.quota", found)
        _name(mailbox.name, f"{at}.name", found)
        _sends(mailbox.sends_per_hour, f"{at}.sends_per_hour", found)
    for at, alias in each(domain.aliases, Alias, f"{path}.aliases"):
        _claim(alias.local_part, domain.name, at, taken, found)
    if domain.mailboxes == () and domain.aliases == ():
        found.warning(path, f"{domain.name} has no mailbox and no alias", "add one, or leave the domain out")
    elif f"{POSTMASTER}@{domain.name}" not in taken:
        message = f"{domain.name} has no {POSTMASTER}, which every domain must have (RFC 5321 4.5.1)"
        found.warning(path, message, f'add: Alias("{POSTMASTER}", to=[…])')


def _claim(local_part: Any, domain: Any, path: str, taken: dict[str, str], found: Found) -> None:
    """Enter an address, unless it is none or somebody else's."""
    at = f"{path}.local_part"
    problem = local_part_problem(local_part)
    if problem is not None:
        found.error(at, problem)
        return
    address = f"{local_part}@{domain}"
    if address in taken:
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
    if isinstance(name, str) and (not name.isprintable() or len(name) > NAME_MAX):
        found.error(path, "is not a name: it has line breaks or control characters, or is too long")


def _targets(topology: Topology, taken: Mapping[str, str], found: Found) -> None:
    """Every target must exist, and following targets must never lead back."""
    ours = domain_names(topology)
    leads: dict[str, list[str]] = {}
    for path, domain in each(topology.domains, Domain, "domains"):
        for at, alias in each(domain.aliases, Alias, f"{path}.aliases"):
            if alias.to == ():
                found.error(f"{at}.to", "leads nowhere", "name at least one mailbox or address")
            address = f"{alias.local_part}@{domain.name}"
            if taken.get(address) == at:
                leads[address] = list(_resolved(alias, domain, at, ours, taken, found))
    _loops(leads, taken, found)


def _resolved(
    alias: Alias, domain: Domain, path: str, ours: set[str], taken: Mapping[str, str], found: Found
) -> Iterator[str]:
    """The addresses that an alias leads to, as far as they are good."""
    seen: set[str] = set()
    for at, target in each(alias.to, str, f"{path}.to"):
        address = target_address(target, domain.name)
        local_part, _, name = address.rpartition("@")
        address = f"{local_part.partition('+')[0]}@{name}"  # a sub-address is its mailbox's
        problem = local_part_problem(local_part.replace("+", ""))
        if problem is None and name != domain.name:
            problem = domain_problem(name)
        if problem is not None:
            found.error(at, problem)
        elif name in ours and address not in taken:
            found.error(at, f"there is no {address}", "name a mailbox or alias of yours, or an address elsewhere")
        elif address in seen:
            found.warning(at, f"{address} is named twice")
        else:
            seen.add(address)
            yield address


def target_address(target: str, domain: str) -> str:
    """The whole address that an alias's target means: a bare local part is in the alias's own domain."""
    local_part, at, name = target.strip().rpartition("@")
    return f"{local_part.lower()}@{to_ascii(name)}" if at else f"{name.lower()}@{domain}"


def _loops(leads: Mapping[str, list[str]], taken: Mapping[str, str], found: Found) -> None:
    """Report each loop once. Walks without recursion: a chain of aliases may be long."""
    done: set[str] = set()
    for start in leads:
        trail: list[str] = []
        on_trail: set[str] = set()
        walk: list[Iterator[str]] = [iter((start,))]
        while walk:
            address = next(walk[-1], None)
            if address is None:
                walk.pop()
                if trail:
                    on_trail.discard(trail[-1])
                    done.add(trail.pop())
            elif address in on_trail:
                loop = [*trail[trail.index(address) :], address]
                found.error(f"{taken[address]}.to", f"leads back to itself: {' → '.join(loop)}", "end it at a mailbox")
            elif address in leads and address not in done:
                trail.append(address)
                on_trail.add(address)
                walk.append(iter(leads[address]))
