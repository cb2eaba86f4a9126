"""What to do when something is wrong: what is seen, what to type, which page to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from mailnix.guide.commands import Words, login, to_home
from mailnix.model import ports
from mailnix.model.names import to_unicode
from mailnix.plan import Plan
from mailnix.services.firewall.render import FAMILY, TABLE

_PAGES: Final = "docs/howto"
_MORE: Final = f"{_PAGES}/troubles.md"


@frozen
class Trouble:
    """What is seen; a command that shows more or mends it, if there is one; and a page of mailnix's documentation."""

    seen: str
    text: str
    command: str
    page: str


def troubles(said: Words, plan: Plan) -> Iterator[Trouble]:
    """The likely first, each with the user's own machines; docs/howto/troubles.md has the same, with more to each."""
    yield Trouble(
        "Something is wrong, and you don't know what",
        "It looks at names and machines, and says what to do.",
        said.line("doctor", to_home(plan)),
        f"{_PAGES}/watching.md",
    )
    yield from _mail(said, plan)
    yield from _programs(said, plan)
    yield from _machines(said, plan)
    yield from _people(said, plan)


def _mail(said: Words, plan: Plan) -> Iterator[Trouble]:
    yield Trouble(
        "No mail comes in",
        f"Ask your provider for port {ports.SMTP} inwards; compare the MX record.",
        f"dig +short MX {plan.domain_names[0]}",
        _MORE,
    )
    yield Trouble(
        "Mail to others is refused, or found in their spam",
        "Mostly the reverse name, SPF or DKIM; the answer of who refused it says which.",
        f"dig +short -x {plan.proxies[0].ipv4}",
        _MORE,
    )
    yield Trouble(
        "Mail is late",
        "It waits at home where no proxy takes it, and at a proxy where its receiver does not.",
        _looked(said, plan, "proxy.queue", "internal.queue"),
        _MORE,
    )


def _programs(said: Words, plan: Plan) -> Iterator[Trouble]:
    host, proxy = plan.topology.hostname, plan.proxies[0]
    client = next(iter(plan.internal.client_ports), None)
    if client is not None:
        starttls = f" -starttls {client.starttls}" if client.starttls else ""
        yield Trouble(
            "A mail program does not connect",
            f"It must see a certificate for {to_unicode(host)}. At home, see the page about split DNS.",
            f"openssl s_client -connect {host}:{client.port}{starttls} -verify_hostname {host} -brief </dev/null",
            f"{_PAGES}/at-home.md",
        )
    yield Trouble(
        "It connects from elsewhere, and from one place it does not",
        "Too many wrong passwords came from there, and Mailcow has banned its address.",
        _on(login(plan, proxy), f"nft list set {FAMILY} {TABLE} banned4"),
        _MORE,
    )
    yield Trouble(
        "A program warns of a certificate",
        "Each is renewed weeks before its end, by port 80 of the proxy.",
        said.line("doctor", "--only outside.certificate --only outside.issuer"),
        _MORE,
    )


def _machines(said: Words, plan: Plan) -> Iterator[Trouble]:
    at_proxy, at_home = login(plan, plan.proxies[0]), login(plan, plan.internal)
    yield Trouble(
        "The machine at home is not reached, or pages stay empty",
        "A tunnel that lives has had a handshake within three minutes. Large packets that get lost want a smaller MTU.",
        _on(at_home, "wg show"),
        f"{_PAGES}/network.md",
    )
    yield Trouble(
        "You cannot log in to a machine",
        "Its table of logins has the commands; the key must be one of those in the description.",
        said.line("plan"),
        f"{_PAGES}/network.md",
    )
    yield Trouble(
        "A machine says on its console that its network is not as described",
        "It also says what to write in the description.",
        _on(at_proxy, "journalctl -b -u mailnix-surroundings"),
        f"{_PAGES}/your-provider.md",
    )
    yield Trouble(
        "A disk is full",
        "Whoever has no room for a mail tells its sender to come back.",
        _looked(said, plan, "proxy.disk", "internal.disk"),
        _MORE,
    )
    yield Trouble(
        "Mailcow does not come up",
        "At first it loads images, some gigabytes. Its journal shows how far it is.",
        _on(at_home, "journalctl -fu mailcow"),
        f"{_PAGES}/deploy.md",
    )


def _people(said: Words, plan: Plan) -> Iterator[Trouble]:
    proxy = plan.proxies[0]
    yield Trouble(
        "Somebody has forgotten a password",
        "An administrator gives a new one in Mailcow's pages, which are reached through the tunnel.",
        "",
        f"{_PAGES}/administer.md",
    )
    yield Trouble(
        "Mail goes out that nobody wrote",
        "Somebody knows a password. Give its mailbox another one in Mailcow's pages before anything else.",
        _looked(said, plan, "proxy.queue", "internal.queue", "outside.blocklist"),
        _MORE,
    )
    yield Trouble(
        "A change went wrong",
        "What is not confirmed goes back by itself. What was confirmed goes back by hand.",
        "" if proxy.sealed else said.line("rollback", proxy.name),
        f"{_PAGES}/deploy.md",
    )
    yield Trouble(
        "A machine is lost",
        "Set it up anew from this page with the same secrets folder; then bring home's mail back from a backup.",
        "",
        f"{_PAGES}/backups.md",
    )


def _looked(said: Words, plan: Plan, *checks: str) -> str:
    """Doctor, asked these alone."""
    return said.line("doctor", to_home(plan), *(f"--only {check}" for check in checks))


def _on(way_in: str, command: str) -> str:
    """A command on a machine; where nobody logs in there is none."""
    return f"{way_in} {command}" if way_in else ""
