"""Postfix's queries, on the database that the API writes."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from tests.lab.fake_mailcow.conftest import Post

QUERIES = files("mailnix.lab.fake_mailcow") / "rootfs" / "postfix"


def look_up(database: Path, name: str, key: str) -> str:
    """What sqlite_table(5) would answer: `%s` is the key, `%u` and `%d` its two halves, quoted."""
    text = (QUERIES / f"{name}.cf").read_text().split("query = ")[1]
    local, _, domain = key.rpartition("@")
    for sign, value in (("%s", key), ("%u", local), ("%d", domain)):
        text = text.replace(sign, value.replace("'", "''"))
    with sqlite3.connect(database) as connection:
        return ",".join(str(row[0]) for row in connection.execute(text))


@pytest.mark.usefixtures("filled")
class TestLookups:
    def test_domains_are_ours_while_they_are_active(self, database: Path, post: Post) -> None:
        assert look_up(database, "domains", "example.org") == "example.org"
        assert look_up(database, "domains", "example.net") == ""
        post("edit/domain", {"items": ["example.org"], "attr": {"active": 0}})
        assert look_up(database, "domains", "example.org") == ""

    def test_mailboxes_exist_until_they_are_switched_off(self, database: Path, post: Post) -> None:
        assert look_up(database, "mailboxes", "alice@example.org") == "maildir:/var/vmail/example.org/alice/"
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"active": 0}})
        assert look_up(database, "mailboxes", "alice@example.org") == ""
        assert look_up(database, "aliases", "alice@example.org") == ""

    def test_aliases_lead_to_their_targets(self, database: Path, post: Post) -> None:
        body = {"address": "team@example.org", "goto": "alice@example.org,x@example.net", "active": 1}
        post("add/alias", body)
        assert look_up(database, "aliases", "team@example.org") == "alice@example.org,x@example.net"

    def test_who_may_send_as_an_alias_was_asked(self, database: Path, post: Post) -> None:
        for name, allowed in (("team", 1), ("news", 0)):
            address = {"address": f"{name}@example.org", "goto": "alice@example.org"}
            post("add/alias", {**address, "active": 1, "sender_allowed": allowed})
        assert look_up(database, "sender_acl", "alice@example.org") == "alice@example.org"
        assert look_up(database, "sender_acl", "team@example.org") == "alice@example.org"
        assert look_up(database, "sender_acl", "news@example.org") == ""

    def test_every_sender_has_a_transport_without_a_next_hop(self, database: Path) -> None:
        assert look_up(database, "sender_transport", "alice@example.org") == "smtp:"
        assert look_up(database, "sender_transport", "") == "smtp:"

    def test_who_demands_tls_gets_it(self, database: Path, post: Post) -> None:
        address = {"local_part": "bob", "domain": "example.org", "password": "secret1", "password2": "secret1"}
        post("add/mailbox", {**address, "tls_enforce_in": 1, "tls_enforce_out": 1})
        assert look_up(database, "sender_transport", "bob@example.org") == "smtp_enforced_tls:"
        assert look_up(database, "tls_enforce_in", "bob@example.org") == "reject_plaintext_session"
        assert look_up(database, "tls_enforce_in", "alice@example.org") == ""

    def test_a_catch_all_is_asked_for_by_its_domain_alone(self, database: Path, post: Post) -> None:
        post("add/alias", {"address": "@example.org", "goto": "alice@example.org", "active": 1, "sender_allowed": 1})
        assert look_up(database, "aliases", "@example.org") == "alice@example.org"
        assert look_up(database, "aliases", "nobody@example.org") == ""  # Postfix asks for the domain itself
        assert look_up(database, "sender_acl", "nobody@example.org") == "alice@example.org"

    def test_what_is_thrown_away_goes_to_a_local_user_of_that_name(self, database: Path, post: Post) -> None:
        post("add/alias", {"address": "no@example.org", "goto_null": 1, "active": 1})
        assert look_up(database, "aliases", "no@example.org") == "null@localhost"
        assert "printf 'null: /dev/null" in (files("mailnix.lab.fake_mailcow") / "rootfs/postfix.sh").read_text()

    def test_a_mirror_has_the_mailboxes_of_the_other_but_no_alias(self, database: Path, post: Post) -> None:
        post("add/alias", {"address": "team@example.org", "goto": "alice@example.org", "active": 1})
        post("add/alias-domain", {"alias_domain": "example.net", "target_domain": "example.org", "active": 1})
        assert look_up(database, "domains", "example.net") == "example.net"
        assert look_up(database, "alias_domains", "alice@example.net") == "alice@example.org"
        assert look_up(database, "alias_domains", "team@example.net") == ""
        assert look_up(database, "sender_acl", "alice@example.net") == "alice@example.org"

    def test_an_archive_takes_mail_as_any_mailbox(self, database: Path, post: Post) -> None:
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"active": 2}})
        assert look_up(database, "mailboxes", "alice@example.org")
        assert look_up(database, "aliases", "alice@example.org") == "alice@example.org"

    def test_further_senders_are_those_that_were_given(self, database: Path, post: Post) -> None:
        for name in ("info", "team"):
            post("add/alias", {"address": f"{name}@example.org", "goto": "x@example.net", "active": 1})
        post("edit/mailbox", {"items": ["alice@example.org"], "attr": {"sender_acl": ["info@example.org"]}})
        assert "alice@example.org" in look_up(database, "sender_acl", "info@example.org").split(",")
        assert "alice@example.org" not in look_up(database, "sender_acl", "team@example.org").split(",")
