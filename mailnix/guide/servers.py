"""The servers that mail programs are told: which, and in which order they are to be tried."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from attrs import frozen

from mailnix.model.clientport import ClientPort
from mailnix.model.mail import Mailbox

_SHOWN: Final = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}


@frozen
class Server:
    """A server as a mail program's page for settings asks for it; `speaks` is the protocol."""

    host: str
    port: int
    speaks: str
    starttls: bool

    @property
    def protocol(self) -> str:
        """The protocol as such pages call it."""
        return _SHOWN[self.speaks]

    @property
    def security(self) -> str:
        """How its TLS begins, in the words of such pages."""
        return "STARTTLS" if self.starttls else "SSL/TLS"


def servers(host: str, clients: Iterable[ClientPort]) -> tuple[Server, ...]:
    """Those that are announced; TLS from the start comes first (RFC 8314 3), IMAP before POP3."""
    found = (Server(host, each.port, each.speaks, bool(each.starttls)) for each in clients if each.announced)
    return tuple(sorted(found, key=lambda server: (server.starttls, server.speaks)))


def reading(offered: Iterable[Server], mailbox: Mailbox) -> Server | None:
    """Where this mailbox is read; None where its owner may read it nowhere."""
    return next((each for each in offered if each.speaks != "smtp" and _may(mailbox, each)), None)


def sending(offered: Iterable[Server], mailbox: Mailbox) -> Server | None:
    """Where its owner's programs send; None where they may not."""
    return next((each for each in offered if each.speaks == "smtp" and _may(mailbox, each)), None)


def _may(mailbox: Mailbox, server: Server) -> bool:
    protocols: Collection[str] = mailbox.protocols
    return not protocols or server.speaks in protocols
