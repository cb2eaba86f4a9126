"""What phones take their settings from: codes to scan, and profiles. None holds a password."""

from __future__ import annotations

import json
import plistlib
from base64 import b64encode
from typing import Final
from uuid import NAMESPACE_DNS, uuid5

import segno
from markupsafe import Markup

from mailnix.guide.servers import Server

FORMAT_VERSION: Final = 1
_IMAP, _POP3, _SMTP = 0, 1, 0
_PROTOCOLS: Final = {"imap": _IMAP, "pop3": _POP3}
_TLS, _STARTTLS = 3, 2
_PASSWORD_IN_TLS: Final = 1
_ACCOUNTS: Final = {"imap": "EmailTypeIMAP", "pop3": "EmailTypePOP"}
_BORDER: Final = 4  # modules of quiet zone (ISO/IEC 18004)
_MODULE: Final = 3  # CSS pixels: a code on a screen is scanned from 30 cm


def thunderbird(reads: Server, sends: Server, address: str, name: str) -> str:
    """What Thunderbird for Android reads under "Import settings": its own format, version 1, without a password.

    Source: "Export for Mobile" QR code format, in Thunderbird for Android's documentation. Written in ASCII alone, for
    a code has no place to say how its bytes are to be read.
    """
    account = [_PROTOCOLS[reads.speaks], reads.host, reads.port, _security(reads), _PASSWORD_IN_TLS, address]
    outgoing = [_SMTP, sends.host, sends.port, _security(sends), _PASSWORD_IN_TLS, address]
    data = [FORMAT_VERSION, [1, 1], account, [[outgoing, [address, name]]]]
    return json.dumps(data, separators=(",", ":"))


def _security(server: Server) -> int:
    return _STARTTLS if server.starttls else _TLS


def apple_profile(reads: Server, sends: Server, address: str, name: str) -> bytes:
    """A configuration profile (.mobileconfig) with a mail account: the device asks for the password.

    Source: Apple's Device Management documentation, payload com.apple.mail.managed. Its identifiers follow from the
    address, so that a newer profile takes the place of an older one.
    """
    reverse = ".".join(reversed(address.rpartition("@")[2].split(".")))
    identifier = f"{reverse}.mailnix.{address.rpartition('@')[0]}"
    account = {
        "EmailAccountDescription": address,
        "EmailAccountName": name,
        "EmailAccountType": _ACCOUNTS[reads.speaks],
        "EmailAddress": address,
        **_apple_server("Incoming", reads, address),
        **_apple_server("Outgoing", sends, address),
        "OutgoingPasswordSameAsIncomingPassword": True,
        **_apple_payload("com.apple.mail.managed", f"{identifier}.mail", f"Mail of {address}"),
    }
    profile = {
        "PayloadContent": [account],
        "PayloadRemovalDisallowed": False,
        **_apple_payload("Configuration", identifier, address),
    }
    return plistlib.dumps(profile)


def _apple_server(way: str, server: Server, address: str) -> dict[str, object]:
    """Apple's "SSL" is STARTTLS where the port is one that begins in clear."""
    return {
        f"{way}MailServerAuthentication": "EmailAuthPassword",
        f"{way}MailServerHostName": server.host,
        f"{way}MailServerPortNumber": server.port,
        f"{way}MailServerUseSSL": True,
        f"{way}MailServerUsername": address,
    }


def _apple_payload(kind: str, identifier: str, shown: str) -> dict[str, object]:
    return {
        "PayloadDisplayName": shown,
        "PayloadIdentifier": identifier,
        "PayloadType": kind,
        "PayloadUUID": str(uuid5(NAMESPACE_DNS, identifier)).upper(),
        "PayloadVersion": 1,
    }


def data_link(kind: str, content: bytes) -> str:
    """A link that has its file in it (RFC 2397)."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def code(text: str, title: str) -> Markup:
    """A QR code as SVG, black on white whatever the page's colours are: scanners of phones want it so.

    The mask is given, not the best of eight: any is read, and looking for the best takes most of the time.
    """
    drawn = segno.make(text, error="l", micro=False, mask=2)
    wide, high = (side * _MODULE for side in drawn.symbol_size(border=_BORDER))
    svg = drawn.svg_inline(border=_BORDER, omitsize=True, light="#fff", title=title, svgclass="code", lineclass=None)
    return Markup(svg.replace("<svg ", f'<svg role="img" width="{wide}" height="{high}" ', 1))
