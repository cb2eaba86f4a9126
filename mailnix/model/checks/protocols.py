"""Protocols by which a mailbox or an app password is opened, where nothing speaks them: `client_services`, or SOGo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.model import mailcow
from mailnix.model.checks.found import Found, each
from mailnix.model.clientport import KNOWN, named
from mailnix.model.mail import AppPassword, Mailbox, Protocol, State
from mailnix.model.topology import Domain, Internal, Topology

_OF_SOGO: Final = frozenset({Protocol.EAS, Protocol.DAV, Protocol.SOGO})


def check(topology: Topology, found: Found) -> None:
    """Warn of what opens nothing at all, and once of each other protocol that is in vain."""
    spoken = _spoken(topology)
    in_vain: dict[Protocol, list[str]] = {}
    for path, protocols in _used(topology):
        missing = [protocol for protocol in protocols if protocol not in spoken]
        if missing and len(missing) == len(protocols):
            found.warning(path, f"opens nothing: {_why(missing)}", _hint(missing[0]))
        else:
            for protocol in missing:
                in_vain.setdefault(protocol, []).append(path)
    for protocol, (first, *others) in in_vain.items():
        more = f" (nor in {len(others)} more)" if others else ""
        found.warning(first, f"{protocol} opens nothing here{more}: {_why([protocol])}", _hint(protocol))


def _spoken(topology: Topology) -> frozenset[Protocol]:
    services = (name for _, name in each(topology.client_services, str, ""))
    spoken = {Protocol(client.speaks) for client in named(services)}
    internal = topology.internal
    off = isinstance(internal, Internal) and mailcow.is_on(internal.settings, mailcow.SKIP_SOGO)
    return frozenset(spoken if off else spoken | _OF_SOGO)


def _used(topology: Topology) -> Iterator[tuple[str, list[Protocol]]]:
    """What is described as open, by where that stands; into an archive or an inactive mailbox nobody is let."""
    for path, domain in each(topology.domains, Domain, "domains"):
        for at, mailbox in each(domain.mailboxes, Mailbox, f"{path}.mailboxes"):
            if mailbox.state is not State.ACTIVE:
                continue
            yield f"{at}.protocols", _known(mailbox.protocols)
            for where, app in each(mailbox.app_passwords, AppPassword, f"{at}.app_passwords"):
                yield f"{where}.protocols", _known(app.protocols)


def _known(protocols: object) -> list[Protocol]:
    return [protocol for _, protocol in each(protocols, Protocol, "")]


def _why(missing: list[Protocol]) -> str:
    if _OF_SOGO.issuperset(missing):
        return f"{mailcow.SKIP_SOGO} leaves SOGo out, which speaks {' and '.join(missing)}"
    return f"nothing in client_services speaks {' or '.join(missing)}"


def _hint(protocol: Protocol) -> str:
    if protocol in _OF_SOGO:
        return f"leave {protocol} out, or {mailcow.SKIP_SOGO}"
    ports = sorted((client for client in KNOWN if client.speaks == protocol), key=lambda client: client.starttls != "")
    return f'add "{ports[0].name}" to client_services, or leave {protocol} out'
