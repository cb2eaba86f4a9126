"""Others whom a description names have mailboxes and records in the lab's internet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology
from mailnix.config import load
from mailnix.lab.internet import outside
from mailnix.lab.internet.layout import layout
from mailnix.lab.internet.mail import main_cf
from mailnix.lab.internet.zones import root_zone
from mailnix.plan import Plan, derive

EVERYTHING = Path(__file__).resolve().parents[3] / "docs/examples/everything.py"


@pytest.fixture(scope="module")
def everything() -> Plan:
    return derive(load(EVERYTHING))


def described(domain: Domain) -> Topology:
    return Topology("mail.example.org", [Proxy("proxy", "203.0.113.10")], Internal("internal"), [domain])


def test_whoever_gets_mail_by_alias_by_catch_all_or_from_a_mailbox_is_somebody_elsewhere() -> None:
    boxes, aliases = [Mailbox("alice", forward_to=["b@b.example"])], [Alias("team", to=["alice", " A@A.example "])]
    topology = described(Domain("example.org", boxes, aliases, catch_all=["c@c.example", "alice@example.org"]))
    assert outside.addresses(topology) == ("a@a.example", "b@b.example", "c@c.example")


def test_only_includes_are_names_that_must_have_spf_of_their_own() -> None:
    named = ("include:_spf.a.example", "?include:_spf.b.example.")
    others = ("a:c.example", "ip4:192.0.2.1", "include:%{d}.x.example")
    assert outside.included((*named, *others)) == ("_spf.a.example", "_spf.b.example")


def test_they_have_mailboxes_and_records(everything: Plan) -> None:
    found = layout(everything)
    text, zone = main_cf(found), root_zone(everything, found)
    assert "{ bob@friends.example = friends.example/bob/ }" in text
    for domain in ("friends.example", "blocks-us.example"):
        assert re.search(rf"^virtual_mailbox_domains = .* {domain}\b", text, re.MULTILINE)
        assert f"\n{domain}. IN MX 10 {found.mx.name}." in zone
    assert '_spf.newsletter.example. IN TXT "v=spf1 -all"' in zone


def test_who_is_in_the_labs_own_remote_domain_is_there_already() -> None:
    plan = derive(described(Domain("example.org", [Mailbox("alice", forward_to=["carol@elsewhere.test"])])))
    assert layout(plan).domain == "elsewhere.test"
    assert layout(plan).correspondents == ()
    assert "elsewhere.test. IN MX" in root_zone(plan, layout(plan))
