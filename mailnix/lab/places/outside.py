"""The internet of all places, the same in each: who is out there, and its names."""

from __future__ import annotations

from typing import Final

from mailnix.lab.places.place import HOSTNAME, PUBLIC4, PUBLIC6

FOLDER: Final = "/etc/mailnix-places"
RUN: Final = "/run/mailnix-places"
ZONE: Final = f"{FOLDER}/root.zone"
NAMED_CONF: Final = f"{FOLDER}/named.conf"

# Documentation networks (RFC 5737, RFC 3849): public-looking, and nobody's.
DNS4: Final = "192.0.2.53"
DNS4_SECOND: Final = "192.0.2.54"
DNS6: Final = "2001:db8:30::53"
MX4: Final = "192.0.2.25"
MX6: Final = "2001:db8:30::25"
CLIENT4: Final = "192.0.2.80"
CLIENT6: Final = "2001:db8:30::80"
ADDRESSES: Final = (DNS4, DNS4_SECOND, DNS6, MX4, MX6, CLIENT4, CLIENT6)

HOME_PUBLIC: Final = "198.51.100.201"
HOME_PUBLIC_NEW: Final = "198.51.100.202"
"""The home's public address, and the next one that its provider gives it."""
CARRIER_INNER: Final = "100.64.7.2"
CARRIER_OUTER: Final = "198.51.100.99"
CARRIER_NEXT: Final = "198.51.100.98"
OUT: Final = "out"
"""Each side's way to the internet."""

ONLY4: Final = "four.test"
"""A mail domain whose server has IPv4 alone; `ONLY6` likewise."""
ONLY6: Final = "six.test"
ENDPOINT: Final = "tunnel.moving.test"
"""A name that the home router's resolver knows, so that its address can change."""


def root_zone() -> str:
    """Everything there is, in one zone."""
    return f"""\
$TTL 60
. IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60
. IN NS ns.test.
ns.test. IN A {DNS4}
ns.test. IN AAAA {DNS6}
{ONLY4}. IN MX 10 mx.{ONLY4}.
mx.{ONLY4}. IN A {MX4}
{ONLY6}. IN MX 10 mx.{ONLY6}.
mx.{ONLY6}. IN AAAA {MX6}
{HOSTNAME}. IN A {PUBLIC4}
{HOSTNAME}. IN AAAA {PUBLIC6}
"""
