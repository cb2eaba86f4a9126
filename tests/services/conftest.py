"""Plans that the services' tests share."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.plan import Plan, derive


def topology(*proxies: Proxy, **more: Any) -> Topology:
    domains = more.pop("domains", [Domain("example.org", mailboxes=[Mailbox("alice")])])
    internal = more.pop("internal", Internal("internal"))
    return Topology(
        hostname="mail.example.org",
        proxies=proxies or (Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:10::10"),),
        internal=internal,
        domains=domains,
        **more,
    )


@pytest.fixture
def plan() -> Plan:
    """One proxy with both address families, one domain."""
    return derive(topology())


@pytest.fixture
def ipv4_plan() -> Plan:
    """One proxy without an IPv6 address."""
    return derive(topology(Proxy("proxy", ipv4="203.0.113.10")))


@pytest.fixture
def two_proxies() -> Plan:
    """Two proxies with MX names of their own; SSH limited to admin networks."""
    return derive(
        topology(
            Proxy(
                "east", ipv4="203.0.113.10", hostname="mx1.example.org", admin_cidrs=["192.0.2.0/24", "2001:db8::/48"]
            ),
            Proxy("west", ipv4="198.51.100.7", hostname="mx2.example.org"),
            internal=Internal("home", lan_admin_cidrs=["192.168.1.0/24"]),
        )
    )


def tool(name: str) -> str:
    """A program that checks our text, or a skip that says which is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
