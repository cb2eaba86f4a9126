"""Which domains of a Mailcow a description can have, and what it is to do about the others.

A relay domain (Mailcow's `backupmx`, with `relay_all_recipients` or `relay_unknown_only`) is another server's: Mailcow
hands its mail on to that one. Described, its mail would be delivered here, and bounce where there is no mailbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve

from mailnix.adopt.existing import Existing, Row

RELAYED: Final = ("backupmx", "relay_all_recipients", "relay_unknown_only")
"""Each makes a relay domain; Mailcow sets the first with the others."""
MIXED: Final = "relay_unknown_only"  # addresses with a mailbox stay, others are handed on


def kept(existing: Existing) -> tuple[Existing, tuple[str, ...]]:
    """The same with those domains, mirrors and transports alone that are described, and notes on those that are not."""
    notes: list[str] = []
    without: set[str] = set()
    for row in existing.domains:
        name = row.text("domain_name")
        if not row.flag("active", default=True):
            notes.append(f"the domain {name} is switched off there, and left out")
        elif any(row.flag(each, default=False) for each in RELAYED):
            notes += _relayed(row, existing)
        else:
            continue
        without.add(name)
    for row in _mirrors(existing, without):
        name, target = row.text("alias_domain"), row.text("target_domain")
        notes.append(f"the domain {name} mirrors {target}, and is left out with it: lead its MX to where that one goes")
    left = evolve(
        existing,
        domains=tuple(row for row in existing.domains if row.text("domain_name") not in without),
        alias_domains=tuple(row for row in existing.alias_domains if row.text("target_domain") not in without),
        transports=tuple(row for row in existing.transports if not _leads_to(row, without)),
    )
    return left, tuple(notes)


def _relayed(domain: Row, existing: Existing) -> Iterator[str]:
    """What a relay domain is, what would become of its mail, and what to do."""
    name = domain.text("domain_name")
    ways = [row.text("nexthop") for row in existing.transports if _leads_to(row, {name})]
    where = f" ({', '.join(ways)})" if ways else ""
    yield (
        f"the domain {name} is left out: it is a relay domain, whose mail Mailcow hands on to another server{where}. "
        "mailnix does not relay for other servers' domains: lead its MX to that server before the move, or its mail "
        "bounces"
    )
    boxes = [row.text("username") for row in existing.mailboxes if row.text("domain") == name]
    if boxes and domain.flag(MIXED, default=False):
        yield (
            f"{', '.join(boxes)} {'has' if len(boxes) == 1 else 'have'} mail in that Mailcow, though {name} is a relay "
            "domain: move it to the other server, or describe the domain, with aliases to what the other server has"
        )
    elif boxes:
        yield f"of {name} that Mailcow knows {', '.join(boxes)}; they are left out with it"
    for row in existing.aliases:
        if row.text("domain") == name:
            to = ", ".join(each.strip() for each in row.text("goto").split(","))
            yield f"alias {row.text('address')} to {to} is left out with {name}: the other server needs it"


def _mirrors(existing: Existing, without: set[str]) -> Iterator[Row]:
    """Mirrors of those domains that somebody may write to."""
    for row in existing.alias_domains:
        if row.text("target_domain") in without and row.flag("active", default=True):
            yield row


def _leads_to(transport: Row, names: set[str]) -> bool:
    """Whether it is the way to a whole domain among these."""
    return transport.flag("active", default=True) and transport.text("destination").lower() in names
