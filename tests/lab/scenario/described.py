"""Descriptions that no example is: what mail programs reach is little, or mail has no way out of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mailnix import AppPassword, Domain, Internal, Mailbox, Proxy, Relay, Topology
from tests.descriptions import KEY

FIRST: Final = Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10", hostname="mx1.example.org")
SECOND: Final = Proxy("second", ipv4="192.0.2.20", hostname="mx2.example.org")
RELAY: Final = Relay("smtp.relay.example", user="me", spf=["include:_spf.relay.example"])
SCANNER: Final = Mailbox("scanner", protocols=["smtp"], app_passwords=[AppPassword("copier", ["smtp"])])
PHONE: Final = Mailbox("phone", protocols=["imap"], app_passwords=[AppPassword("tablet", ["imap", "dav"])])


def described(*proxies: Proxy, **more: Any) -> Topology:
    """Two domains, the second without mailboxes; everybody's password is known."""
    domains = [Domain("example.org", [Mailbox("alice"), PHONE, SCANNER]), Domain("example.net")]
    said = {"admin_keys": [KEY], "domains": domains, **more}
    return Topology("mail.example.org", proxies or [FIRST], Internal("internal"), **said)


POP3: Final = ["pop3s", "submissions"]
LITTLE: Final = "POP3 and submission with TLS first, and nothing else"
BY_RELAY: Final = "all mail by a relay"
BY_ADDRESS: Final = "all mail by a relay whose address SPF names, one domain's by another"
BOTH: Final = "both, and two proxies"

DESCRIPTIONS: Final[Mapping[str, Topology]] = {
    LITTLE: described(client_services=POP3),
    BY_RELAY: described(relays=[RELAY]),
    BY_ADDRESS: described(
        relays=[
            Relay("out.relay.example", port=465, spf=["ip4:203.0.113.200"]),
            Relay("smtp.relay.example", "me", ["blocks-us.example"], spf=["a:smtp.relay.example"]),
        ]
    ),
    BOTH: described(FIRST, SECOND, client_services=POP3, relays=[RELAY]),
}
