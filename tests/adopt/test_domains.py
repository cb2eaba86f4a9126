"""Domains that no description has: switched off, or another server's, with all that hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mailnix import Alias, Domain, Mailbox
from mailnix.adopt import Adopted, Existing, adopted
from mailnix.adopt.existing import rows
from mailnix.errors import ConfigError
from tests.adopt.conftest import ANSWERS, HOST

Columns = Mapping[str, Any]
OFF: Columns = {"active": "0"}
BACKUP_MX: Columns = {"backupmx": "1"}
MIXED: Columns = {"backupmx": 1, "relay_all_recipients": 1, "relay_unknown_only": 1}
RELAYED = [BACKUP_MX, {"backupmx": 1, "relay_all_recipients": 1}, MIXED, {"relay_all_recipients": "1"}]


def box(address: str) -> Columns:
    local_part, _, domain = address.partition("@")
    return {"username": address, "local_part": local_part, "domain": domain, "quota": 2**30}


def alias(address: str, goto: str) -> Columns:
    return {"address": address, "domain": address.partition("@")[2], "goto": goto}


def made(other: Columns, own: Columns | None = None, **more: tuple[Columns, ...]) -> Adopted:
    """Of a Mailcow with example.org, and other.example with these columns, to each of which people have addresses."""
    domains = rows([{"domain_name": "example.org", **(own or {})}, {"domain_name": "other.example", **other}])
    boxes = [box("alice@example.org"), box("carol@other.example"), box("dave@other.example")]
    aliases = [
        alias("postmaster@example.org", "alice@example.org"),
        alias("sales@example.org", "carol@other.example"),
        alias("info@other.example", "alice@example.org, dave@other.example"),
        alias("@other.example", "alice@example.org"),
    ]
    there: dict[str, Any] = {name: rows(items) for name, items in more.items()}
    return adopted(Existing("x", HOST, domains=domains, mailboxes=rows(boxes), aliases=rows(aliases), **there), ANSWERS)


def said(of: Adopted) -> str:
    """The comments at the script's head, on one line."""
    head = of.text.partition("from mailnix import")[0]
    return " ".join(line.removeprefix("# ") for line in head.splitlines())


@pytest.mark.parametrize("columns", RELAYED, ids=str)
def test_a_relay_domain_is_left_out_with_what_is_in_it(columns: Columns) -> None:
    found = made(columns)
    (domain,) = found.topology.domains
    assert (domain.name, [item.local_part for item in domain.mailboxes]) == ("example.org", ["alice"])
    assert "the domain other.example is left out: it is a relay domain" in said(found)
    assert "lead its MX to that server before the move" in said(found)
    assert "alias info@other.example to alice@example.org, dave@other.example is left out" in said(found)
    assert "alias @other.example to alice@example.org is left out" in said(found)
    assert "carol@other.example, dave@other.example" in said(found)
    assert all(note in " ".join(found.notes) for note in ("relay domain", "info@other.example", "@other.example"))


@pytest.mark.parametrize("columns", [{}, dict.fromkeys(MIXED, 0), dict.fromkeys(MIXED, "0")], ids=str)
def test_a_domain_of_ones_own_stays(columns: Columns) -> None:
    found = made(columns)
    assert [domain.name for domain in found.topology.domains] == ["example.org", "other.example"]
    assert "left out" not in said(found)


def test_mail_of_others_to_a_relay_domain_goes_to_where_it_is_now() -> None:
    (domain,) = made(BACKUP_MX).topology.domains
    assert Alias("sales", to=["carol@other.example"]) in domain.aliases


def test_people_whose_mail_is_in_a_mixed_one_are_named_as_such() -> None:
    assert "carol@other.example, dave@other.example have mail in that Mailcow" in said(made(MIXED))
    assert "have mail in that Mailcow" not in said(made(BACKUP_MX))


def test_the_server_that_it_is_handed_on_to_is_named_and_no_relay() -> None:
    transports = (
        {"destination": "Other.example", "nexthop": "[mx.elsewhere.example]:25"},
        {"destination": "friends.example", "nexthop": "smtp.friends.example"},
    )
    found = made(BACKUP_MX, transports=transports)
    assert "hands on to another server ([mx.elsewhere.example]:25)" in said(found)
    assert [relay.host for relay in found.topology.relays] == ["smtp.friends.example"]


@pytest.mark.parametrize("columns", [BACKUP_MX, OFF], ids=["relayed", "off"])
def test_a_mirror_of_one_that_is_left_out_goes_with_it(columns: Columns) -> None:
    mirrors = ({"alias_domain": "mirror.example", "target_domain": "other.example"},)
    found = made(columns, alias_domains=mirrors)
    assert [domain.name for domain in found.topology.domains] == ["example.org"]
    assert "the domain mirror.example mirrors other.example, and is left out with it" in said(found)


def test_a_recipient_map_in_one_is_no_alias_and_is_told() -> None:
    maps = ({"recipient_map_old": "x@other.example", "recipient_map_new": "alice@example.org"},)
    found = made(BACKUP_MX, recipient_maps=maps)
    assert "recipient map of x@other.example to alice@example.org" in said(found)


def test_a_forward_into_one_leaves_spam_here_and_says_so() -> None:
    script = {"username": "alice@example.org", "script_desc": "mine", "active": 1}
    found = made(BACKUP_MX, filters=({**script, "script_data": 'redirect "carol@other.example";'},))
    assert found.topology.domains[0].mailboxes[0] == Mailbox(
        "alice", quota="1 GiB", sends_per_hour=0, forward_to=["carol@other.example"], keep_copy=False
    )
    assert "Mailcow hands on what is spam, too; described, that stays here" in found.notes


def test_one_that_is_off_is_said_at_the_head_too() -> None:
    found = made(OFF)
    assert [domain.name for domain in found.topology.domains] == ["example.org"]
    assert "the domain other.example is switched off there, and left out" in said(found)


def test_a_relay_domains_relay_host_is_nobodys() -> None:
    hosts = ({"id": 1, "hostname": "[smtp.relay.example]:587", "username": "u"},)
    found = made({**BACKUP_MX, "relayhost": 2}, {"relayhost": 1}, relayhosts=hosts)
    assert [relay.host for relay in found.topology.relays] == ["smtp.relay.example"]


def test_a_mailcow_of_relay_domains_alone_has_nothing_to_describe() -> None:
    with pytest.raises(ConfigError, match="there is no mail domain"):
        made(BACKUP_MX, BACKUP_MX)


def test_it_is_described_without_it() -> None:
    assert made(BACKUP_MX).topology.domains[0] == Domain(
        "example.org",
        [Mailbox("alice", quota="1 GiB", sends_per_hour=0)],
        [Alias("postmaster", to=["alice"]), Alias("sales", to=["carol@other.example"])],
    )


def test_a_mirror_may_have_a_catch_all_of_its_own_which_the_other_has_not() -> None:
    mirror = {"alias_domain": "mirror.example", "target_domain": "example.org"}
    boxes, domains = rows([box("alice@example.org")]), rows([{"domain_name": "example.org"}])
    aliases = rows([alias("@mirror.example", "alice@example.org"), alias("info@mirror.example", "alice@example.org")])
    there = Existing("x", HOST, domains=domains, mailboxes=boxes, aliases=aliases, alias_domains=rows([mirror]))
    found = adopted(there, ANSWERS)
    _domain, mirrored = found.topology.domains
    assert (mirrored.alias_of, mirrored.catch_all) == ("example.org", ("alice@example.org",))
    assert mirrored.aliases == (Alias("info", to=["alice@example.org"]),)
    assert "left out" not in said(found)
