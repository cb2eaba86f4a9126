"""What a plan offers to the people whose mail it is: by which services they read and send, and what is true of it."""

from __future__ import annotations

from mailnix.lab.internet.smarthosts import vouched
from mailnix.model.clientport import ClientPort
from mailnix.model.mail import Mailbox, State
from mailnix.model.relays import Relay
from mailnix.plan.types import Plan


def readers(plan: Plan) -> tuple[ClientPort, ...]:
    """The services that mail is read by, the best first: IMAP shows at once what comes, POP3 in a new session."""
    found = (client for client in plan.internal.client_ports if client.reads)
    return tuple(sorted(found, key=lambda client: (client.reads, bool(client.starttls))))


def senders(plan: Plan) -> tuple[ClientPort, ...]:
    """The services that mail is submitted by, the one that most checks take first: with STARTTLS where it is there."""
    found = (client for client in plan.internal.client_ports if client.sends)
    return tuple(sorted(found, key=lambda client: not client.starttls))


def opens(mailbox: Mailbox) -> bool:
    """Whether what comes to a mailbox stays there, and the first password, which the lab knows, opens everything."""
    keeps = mailbox.keep_copy and mailbox.state is State.ACTIVE
    return keeps and not mailbox.protocols and knows_password(mailbox)


def knows_password(mailbox: Mailbox) -> bool:
    """Whether the lab has a mailbox's password: others may be hashes."""
    return not mailbox.password_hash and not mailbox.password_file


def users(plan: Plan) -> tuple[str, ...]:
    """One mailbox of each domain that has any in which the first password opens everything."""
    first = ((domain.name, next(filter(opens, domain.mailboxes), None)) for domain in plan.topology.domains)
    return tuple(f"{mailbox.local_part}@{name}" for name, mailbox in first if mailbox)


def knows_strangers(plan: Plan) -> tuple[str, ...]:
    """Those of them in whose domain not everybody gets mail: it has no catch-all."""
    open_to_all = {domain.name for domain in plan.topology.domains if domain.catch_all}
    return tuple(user for user in users(plan) if user.rpartition("@")[2] not in open_to_all)


def has_services(plan: Plan) -> bool:
    """Whether mail programs can do anything at all."""
    return bool(plan.internal.client_ports)


def can_send(plan: Plan) -> bool:
    """Whether mail programs can submit mail."""
    return bool(senders(plan))


def can_read(plan: Plan) -> bool:
    """Whether mail programs can read mail."""
    return bool(readers(plan))


def has_submission(plan: Plan) -> bool:
    """Whether mail is submitted on 587."""
    return _offers(plan, "submission")


def has_submissions(plan: Plan) -> bool:
    """Whether mail is submitted on 465."""
    return _offers(plan, "submissions")


def _offers(plan: Plan, name: str) -> bool:
    return any(client.name == name for client in plan.internal.client_ports)


def has_ipv6(plan: Plan) -> bool:
    """Whether mail comes in over IPv6."""
    return any(proxy.ipv6 is not None for proxy in plan.proxies)


def clients_send_over_ipv6(plan: Plan) -> bool:
    """Whether mail programs can submit over IPv6."""
    return can_send(plan) and any(forward.to6 is not None for proxy in plan.proxies for forward in proxy.forwards)


def has_several_proxies(plan: Plan) -> bool:
    """Whether there is a proxy beside the first."""
    return len(plan.proxies) > 1


def sends_by_several(plan: Plan) -> bool:
    """Whether mail programs can submit by more than one proxy, and mail leaves by more than one."""
    return has_several_proxies(plan) and can_send(plan)


def relay_for_all(plan: Plan) -> Relay | None:
    """The relay that all mail leaves by that no other is described for."""
    return next((relay for relay in plan.topology.relays if not relay.domains), None)


def leaves_directly(plan: Plan) -> bool:
    """Whether mail can be submitted, and goes from the proxy to its receivers: no relay is described for all of it."""
    return can_send(plan) and relay_for_all(plan) is None


def passes_spf(plan: Plan) -> bool:
    """Whether SPF passes of mail that leaves by the usual way: the proxy's, or a relay's that may send for us here."""
    relay = relay_for_all(plan)
    return relay is None or vouched(plan, relay)


def leaves_over_ipv6(plan: Plan) -> bool:
    """Whether the proxy that mail leaves by has an IPv6 address, and uses it."""
    return leaves_directly(plan) and plan.proxies[0].ipv6 is not None
