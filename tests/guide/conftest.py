"""Pages of descriptions, and what doctor may have said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Proxy, Relay, Topology
from mailnix.doctor.values import Answer, Finding, Severity, Vantage
from mailnix.guide.page import guide
from mailnix.plan import DnsRecord, Plan, PublicKeys, derive
from mailnix.zones import parts
from tests.descriptions import PUBLIC4, PUBLIC6, sound

HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>"' &amp; {{ 7*7 }} \u202eevil"""
LONG = ".".join(["a-very-long-label-of-a-name-that-somebody-has-bought-in-a-good-mood"[:60]] * 3)
WELL = Finding("dns.mx", "example.org MX", Vantage.AUTHORITATIVE, Severity.FAILURE, Answer.WELL, "10 mail.example.org.")
FINDINGS = (
    WELL,
    Finding(
        "dns.ptr", PUBLIC4, Vantage.RESOLVER, Severity.FAILURE, Answer.ABSENT, "has none", "set it where you rent it"
    ),
    Finding(
        "dns.tls_rpt", "_smtp._tls.example.org TXT", Vantage.HERE, Severity.WARNING, Answer.WRONG, "is 1", "write 2"
    ),
    Finding(
        "dns.dkim", "dkim._domainkey.example.org TXT", Vantage.HERE, Severity.FAILURE, Answer.PENDING, "old", "wait"
    ),
    Finding("proxy.units", "haraka-in", Vantage.PROXY, Severity.FAILURE, Answer.UNASKED, "no answer", "log in"),
)
Write = Callable[..., Path]


def many_ways() -> Topology:
    """Two proxies, relays, names in other scripts and as long as can be, mailboxes of every kind."""
    return sound(
        proxies=[
            Proxy("proxy-a", ipv4=PUBLIC4, ipv6=PUBLIC6, hostname="mx1.example.org"),
            Proxy("proxy-b-with-a-name-as-long-as-it", ipv4="5.9.100.2", hostname=f"mx.{LONG}.example"),
        ],
        relays=[Relay("smtp.relay.example", user="us", domains=["blocks-us.example"])],
        client_services=["imaps", "submissions", "submission", "pop3s", "managesieve"],
        domains=[
            Domain(
                "example.org",
                [
                    Mailbox("alice", name="Alice Ünal"),
                    Mailbox("scanner", protocols=["smtp"]),
                    Mailbox("pop", protocols=["pop3", "smtp"]),
                    Mailbox("carol", state="archived"),
                ],
                [Alias("postmaster", ["alice"])],
            ),
            Domain("bücher.example", [Mailbox("bob", name=HOSTILE)], [Alias("postmaster", ["bob"])]),
            Domain(f"{LONG}.example", [Mailbox("x" * 60)], [Alias("postmaster", ["x" * 60])]),
        ],
    )


def page_of(topology: Topology, **more: Any) -> str:
    """The page of a description whose file is mail.py."""
    return guide(plan_of(topology), "mail.py", **more)


def plan_of(topology: Topology) -> Plan:
    """The plan of a description, its DKIM keys known."""
    return derive(topology, PublicKeys({domain.name: f"MIIBIjAN{'x' * 380}" for domain in topology.domains}))


@pytest.fixture
def doctors(tmp_path: Path) -> Write:
    """A file of findings."""

    def write(findings: object) -> Path:
        file = tmp_path / "doctor.json"
        file.write_text(json.dumps(findings))
        return file

    return write


def hurt(**changed: Any) -> Finding:
    """One finding, changed."""
    return evolve(WELL, **changed)


def typed(record: DnsRecord) -> str:
    """A record's value as most providers' pages want it."""
    match record.type:
        case "TXT":
            return parts.text(record.data)
        case "MX" | "SRV":
            return record.data.split(" ")[-1]
        case "CAA":
            return parts.caa(record.data)[2]
        case "PTR":
            return record.data.removesuffix(".")
        case _:
            return record.data
