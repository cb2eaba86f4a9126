"""Records of a description with everything in it that formats may stumble over."""

from __future__ import annotations

import pytest

from mailnix import Alias, Domain, Proxy
from mailnix.plan import DnsRecord, PublicKeys, derive, with_keys
from tests.descriptions import PUBLIC4, PUBLIC6, sound

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 360
DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def records() -> tuple[DnsRecord, ...]:
    """Two zones, two proxies of which one's key is known, a key longer than a string, SPF macros, a selector of several
    labels, others' zones.
    """
    topology = sound(
        contact="reports@elsewhere.net",
        dane=True,
        proxies=[
            Proxy("east", PUBLIC4, PUBLIC6, hostname="mx9.example.org"),
            Proxy("west", "5.9.100.2", hostname="mx10.example.org"),
        ],
        domains=[
            Domain("example.org", ["alice"], [Alias("postmaster", "alice")], spf=["exists:%{i}._spf.friend.example"]),
            Domain("bücher.de", ["bob"], dkim_selector="mail_2026.s1", caa=["digicert.com; policy=ev"]),
        ],
    )
    keys = {domain.name: KEY for domain in topology.domains}
    return with_keys(derive(topology), PublicKeys(keys, {"east": (DIGEST, DIGEST[::-1])})).records
