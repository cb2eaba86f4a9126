"""What mail programs and phones are told, mailbox by mailbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve, frozen
from markupsafe import Markup

from mailnix.guide import codes
from mailnix.guide.servers import Server, reading, sending, servers
from mailnix.model import mailcow
from mailnix.model.clientport import client_port
from mailnix.model.mail import Mailbox, State
from mailnix.model.names import to_unicode
from mailnix.model.topology import Domain
from mailnix.plan import Plan
from mailnix.plan.dns import DAV_PATH

MOST_CODES: Final = 200
"""Mailboxes that get a code and a profile each. With more, the page would be too large to open on a phone."""
PROFILE_KIND: Final = "application/x-apple-aspen-config"
PROFILE_PATH: Final = "/mobileconfig.php"
"""Where Mailcow makes a profile for whoever logs in, with calendars and contacts (its data/web/mobileconfig.php)."""
_CLOSED: Final = {
    State.ARCHIVED: "Takes mail, lets nobody in.",
    State.INACTIVE: "Takes no mail and lets nobody in.",
}


@frozen
class Person:
    """A mailbox: `login` is its user name, `shown` what people read, `note` what is special; the rest is for phones."""

    login: str
    shown: str
    name: str
    note: str = ""
    code: Markup | None = None
    profile: str = ""


@frozen
class People:
    """The mailboxes of one domain."""

    domain: str
    shown: str
    people: tuple[Person, ...]


@frozen
class Programs:
    """Everything about mail programs: servers, what phones scan that is the same for everybody, and the mailboxes."""

    servers: tuple[Server, ...]
    web: str
    dav: str
    apple_link: str
    apple_code: Markup | None
    domains: tuple[People, ...]
    with_codes: bool
    count: int


def programs(plan: Plan) -> Programs:
    """What a plan's mail programs are told."""
    topology = plan.topology
    offered = servers(topology.hostname, plan.internal.client_ports)
    count = sum(len(domain.mailboxes) for domain in topology.domains)
    with_codes = count <= MOST_CODES
    base = f"https://{topology.hostname}"
    has_sogo = not mailcow.is_on(topology.internal.settings, mailcow.SKIP_SOGO)
    link = _apple_link(base, offered, has_sogo=has_sogo)
    return Programs(
        servers=offered,
        web=base,
        dav=f"{base}{DAV_PATH}" if has_sogo else "",
        apple_link=link,
        apple_code=codes.code(link, f"Code that leads to {link}") if link else None,
        domains=tuple(
            People(domain.name, to_unicode(domain.name), tuple(_people(domain, offered, with_codes=with_codes)))
            for domain in topology.domains
            if domain.mailboxes
        ),
        with_codes=with_codes,
        count=count,
    )


def _apple_link(base: str, offered: Sequence[Server], *, has_sogo: bool) -> str:
    """Mailcow's own profile, which names IMAPS and submissions whether they are offered or not."""
    wanted = {client_port("imaps").port, client_port("submissions").port}
    if not wanted <= {server.port for server in offered}:
        return ""
    return f"{base}{PROFILE_PATH}" + ("" if has_sogo else "?only_email")


def _people(domain: Domain, offered: Sequence[Server], *, with_codes: bool) -> Iterator[Person]:
    for mailbox in domain.mailboxes:
        yield _person(mailbox, domain.name, offered, with_codes=with_codes)


def _person(mailbox: Mailbox, domain: str, offered: Sequence[Server], *, with_codes: bool) -> Person:
    login = f"{mailbox.local_part}@{domain}"
    plain = Person(login, f"{mailbox.local_part}@{to_unicode(domain)}", mailbox.name, _note(mailbox, offered))
    reads, sends = reading(offered, mailbox), sending(offered, mailbox)
    if not with_codes or reads is None or sends is None or mailbox.state is not State.ACTIVE:
        return plain
    name = mailbox.name or mailbox.local_part
    return evolve(
        plain,
        code=codes.code(codes.thunderbird(reads, sends, login, name), f"Code for Thunderbird: {login}"),
        profile=codes.data_link(PROFILE_KIND, codes.apple_profile(reads, sends, login, name)),
    )


def _note(mailbox: Mailbox, offered: Sequence[Server]) -> str:
    if mailbox.state in _CLOSED:
        return _CLOSED[mailbox.state]
    reads, sends = reading(offered, mailbox), sending(offered, mailbox)
    if reads is None and sends is None:
        return "No mail program reaches it."
    if reads is None:
        return "Sends only: its programs read nothing."
    if sends is None:
        return "Is read only: its programs send nothing."
    return "" if (reads, sends) == (reading(offered, _ANY), sending(offered, _ANY)) else _by(reads, sends)


_ANY: Final = Mailbox("any")


def _by(reads: Server, sends: Server) -> str:
    return f"Is read by {reads.protocol} on port {reads.port}, sends on port {sends.port}."
