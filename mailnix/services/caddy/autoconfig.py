"""Settings for mail programs as Thunderbird and others ask for them: what is offered, and nothing else.

The form is Mozilla's clientConfig 1.1 (wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat). Mailcow's own
page announces IMAP on 143 and submission on 587 whether anybody carries them or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mailnix.model.clientport import ClientPort
from mailnix.model.names import to_unicode


def autoconfig(hostname: str, clients: Iterable[ClientPort]) -> str:
    """The answer for every domain and address; mail programs fill in %EMAILADDRESS% and %EMAILDOMAIN%.

    Servers stand in the order in which they are to be tried: TLS from the start first (RFC 8314 3).
    """
    offered = sorted(clients, key=lambda client: bool(client.starttls))
    reading = (_server("incoming", client.reads, hostname, client) for client in offered if client.reads)
    sending = (_server("outgoing", "smtp", hostname, client) for client in offered if client.sends)
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<clientConfig version='1.1'>"]
    lines += [f"<emailProvider id='{escape(hostname)}'>", "<domain>%EMAILDOMAIN%</domain>"]
    lines += [f"<displayName>{escape(to_unicode(hostname))}</displayName>"]
    lines += [line for server in (*reading, *sending) for line in server]
    return "\n".join([*lines, "</emailProvider>", "</clientConfig>", ""])


def _server(way: str, kind: str, hostname: str, client: ClientPort) -> tuple[str, ...]:
    return (
        f"<{way}Server type='{kind}'>",
        f"<hostname>{hostname}</hostname>",
        f"<port>{client.port}</port>",
        f"<socketType>{'STARTTLS' if client.starttls else 'SSL'}</socketType>",
        "<username>%EMAILADDRESS%</username>",
        "<authentication>password-cleartext</authentication>",
        f"</{way}Server>",
    )
