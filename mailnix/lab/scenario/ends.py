"""Where the description says that mail to an address ends: in whose mailboxes, outside, nowhere."""

from __future__ import annotations

from collections import Counter

from attrs import frozen

from mailnix.model import mirrors
from mailnix.model.mail import EVERYWHERE, Mailbox, State, address_of, sender_of, without_tag
from mailnix.model.topology import Domain, Topology


@frozen
class Owned:
    """A mailbox, and the domain that it is in."""

    mailbox: Mailbox
    domain: Domain

    @property
    def address(self) -> str:
        """Its address."""
        return f"{self.mailbox.local_part}@{self.domain.name}"


def owned(topology: Topology) -> tuple[Owned, ...]:
    """Every mailbox."""
    return tuple(Owned(mailbox, domain) for domain in topology.domains for mailbox in domain.mailboxes)


def ends(topology: Topology, address: str) -> Counter[str]:
    """How many copies of a mail to an address end where: mailboxes of ours, and addresses outside. Empty: nowhere."""
    found: Counter[str] = Counter()
    boxes = {box.address: box.mailbox for box in owned(topology)}
    for recipient in _recipients(topology, boxes, without_tag(address), frozenset()):
        mailbox = boxes.get(recipient)
        if mailbox is None or mailbox.keep_copy or not mailbox.forward_to:
            found[recipient] += 1
        domain = recipient.rpartition("@")[2]
        for target in mailbox.forward_to if mailbox else ():  # a new mail each
            found += ends(topology, address_of(target, domain))
    return found


def _recipients(topology: Topology, boxes: dict[str, Mailbox], address: str, seen: frozenset[str]) -> set[str]:
    """Mailboxes and addresses outside that Mailcow's Postfix makes of one recipient: aliases know no copies."""
    domains = mirrors.by_name(topology)
    local_part, _, name = address.rpartition("@")
    domain = domains.get(name)
    if domain is None:
        return {address}
    if address in seen:
        return set()
    own = f"{local_part}@{domain.alias_of or name}"
    aliases = {alias.local_part: alias for alias in mirrors.aliases(domain, domains)}
    if local_part not in aliases and own in boxes and boxes[own].state is not State.INACTIVE:
        return {own}
    alias = aliases.get(local_part) or aliases.get(mirrors.CATCH_ALL)
    targets = alias.to if alias else ()
    return {end for to in targets for end in _recipients(topology, boxes, without_tag(to), seen | {address})}


def may_write_as(topology: Topology, box: Owned, sender: str) -> bool:
    """Whether a mailbox's owner may write as somebody. Postfix looks for the sender as it is; only where nobody may
    write as that does it look for it without its tag (smtpd_sender_login_maps, recipient_delimiter).
    """
    return box.address in (_writers(topology, sender) or _writers(topology, without_tag(sender)))


def _writers(topology: Topology, sender: str) -> set[str]:
    """Who may write as an address, in Mailcow's map (mysql_virtual_sender_acl.cf): who is given it by `send_as`, whom
    its alias leads to at once, and whoever has it in the domain that is mirrored.
    """
    domains = mirrors.by_name(topology)
    local_part, _, name = sender.rpartition("@")
    domain = domains.get(name)
    mirrored = domain.alias_of if domain else None
    given = {EVERYWHERE, *(each for at in (name, mirrored) if at for each in (f"@{at}", f"{local_part}@{at}"))}
    boxes = {box.address: box for box in owned(topology)}
    found = {
        address
        for address, box in boxes.items()
        if given & {sender_of(text, box.domain.name) for text in box.mailbox.send_as}
    }
    if domain is None:
        return found
    there = boxes.get(f"{local_part}@{mirrored}")
    if there and there.mailbox.state is not State.INACTIVE:
        found.add(there.address)
    return found | _by_alias(domain, domains, boxes.get(sender), local_part)


def _by_alias(domain: Domain, domains: dict[str, Domain], box: Owned | None, local_part: str) -> set[str]:
    """Who may write as an address because of an alias; each mailbox that takes mail has one of its own in Mailcow."""
    aliases = {alias.local_part: alias for alias in mirrors.aliases(domain, domains)}
    if local_part in aliases:
        return {*aliases[local_part].to}
    if box and box.mailbox.state is not State.INACTIVE:
        return {box.address} if box.mailbox.state is State.ACTIVE else set()
    catch_all = None if domain.alias_of else aliases.get(mirrors.CATCH_ALL)
    return {*catch_all.to} if catch_all else set()
