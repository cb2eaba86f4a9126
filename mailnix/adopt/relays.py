"""Mailcow's relay hosts (by sender's domain) and transports (by receiver's) as relays, as far as one can be said so."""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve, frozen

from mailnix.adopt.existing import Existing, Row
from mailnix.model.names import domain_problem
from mailnix.model.ports import SMTP
from mailnix.model.relays import Relay

EVERYWHERE: Final = "*"
AHEAD: Final = "it is in Mailcow's database, too, and acts there before the proxy does: delete it there"
_NEXTHOP: Final = re.compile(r"\[?(?P<host>[^\[\]:]+)\]?(:(?P<port>\d{1,5}))?")


@frozen
class Relays:
    """Relays by host, notes, and whether one of them is for the mail of all domains."""

    found: tuple[Relay, ...]
    notes: tuple[str, ...]
    of_all: bool = False


def relays(existing: Existing) -> Relays:
    """Those of a Mailcow."""
    found: dict[str, Relay] = {}
    notes, common = [], _common(existing)
    for row in existing.relayhosts:
        relay = _relay(row, "hostname")
        taken = relay is not None and row.number("id") == common and _join(relay, found)
        after = f"is a relay here; {AHEAD}" if taken else "described mail leaves by the proxy"
        notes.append(f"relay host {row.text('hostname')}{_state(row)}: {after}")
    of_all = bool(found)
    for row in existing.transports:
        relay = _transport(row)
        after = "is a relay here" if relay is not None and _join(relay, found) else "is no relay here"
        notes.append(f"transport for {row.text('destination')} by {row.text('nexthop')}{_state(row)}: {after}; {AHEAD}")
    return Relays(tuple(found.values()), tuple(notes), of_all)


def _common(existing: Existing) -> int:
    """The relay host that all domains have; 0 for none."""
    used = {row.number("relayhost") for row in existing.domains if row.flag("active", default=True)}
    return used.pop() if len(used) == 1 else 0


def _relay(row: Row, at: str) -> Relay | None:
    """A relay for all mail, where it is on. Without brackets Postfix asks for its MX, which relays seldom have."""
    match = _NEXTHOP.fullmatch(row.text(at).strip())
    if match is None or not row.flag("active", default=True) or domain_problem(match["host"].lower()) is not None:
        return None
    return Relay(match["host"], row.text("username") or None, port=int(match["port"] or SMTP))


def _transport(row: Row) -> Relay | None:
    """A relay for one domain, or for all; regular expressions of MX, addresses and subdomains cannot be said."""
    relay, destination = _relay(row, "nexthop"), row.text("destination").lower()
    if relay is None or row.flag("is_mx_based", default=False):
        return None
    if destination == EVERYWHERE:
        return relay
    return None if domain_problem(destination) is not None else evolve(relay, domains=(destination,))


def _join(relay: Relay, found: dict[str, Relay]) -> bool:
    """Add a relay, or its domain to one of the same host; whether that can be."""
    there = found.setdefault(relay.host, relay)
    if there is relay:
        return True
    if not (there.domains and relay.domains) or evolve(there, domains=relay.domains) != relay:
        return False
    found[relay.host] = evolve(there, domains=(*there.domains, *relay.domains))
    return True


def _state(row: Row) -> str:
    return "" if row.flag("active", default=True) else " (switched off)"
