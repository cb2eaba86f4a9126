from __future__ import annotations

import pytest

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology
from mailnix.lab.internet import layout as layouts
from mailnix.lab.internet.layout import Layout
from mailnix.plan import Plan, derive


@pytest.fixture
def plan() -> Plan:
    return derive(
        Topology(
            hostname="mail.example.org",
            proxies=[Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10")],
            internal=Internal("internal"),
            domains=[
                Domain("example.org", mailboxes=[Mailbox("alice")], aliases=[Alias("postmaster", to=["alice"])]),
                Domain("bücher.example", mailboxes=[Mailbox("bob")]),
            ],
        )
    )


@pytest.fixture
def layout(plan: Plan) -> Layout:
    return layouts(plan)
