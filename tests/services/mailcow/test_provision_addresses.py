"""Everything that a description says of addresses and mailboxes, against the fake Mailcow's API, and its way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, AppPassword, Domain, Mailbox, Topology
from mailnix.services.mailcow.guest.domains import MARK
from tests.lab.fake_mailcow.test_lookups import look_up

from .faked import ALICE, PASSWORD, Mailcow, Pem, domain, running


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    with running(tmp_path) as api:
        yield Mailcow(api, topology, pem, tmp_path)


def test_an_alias_may_throw_away_and_lead_somewhere_again(mailcow: Mailcow) -> None:
    assert mailcow.has(domain(aliases=[Alias("noreply", discard=True)])) == []
    assert mailcow.aliases() == {"noreply@example.org": "null@localhost"}
    assert mailcow.has(domain(aliases=[Alias("noreply", ["bob"])])) == []
    assert mailcow.aliases() == {"noreply@example.org": "bob@example.org"}
    assert mailcow.has(domain(aliases=[Alias("noreply", discard=True)])) == []
    assert mailcow.aliases() == {"noreply@example.org": "null@localhost"}


def test_a_catch_all_takes_what_nobody_has_and_goes_again(mailcow: Mailcow) -> None:
    assert mailcow.has(domain("alice", catch_all=["bob"])) == []
    assert mailcow.finds("any@example.org") == "bob@example.org"
    assert mailcow.finds(ALICE) == ALICE
    assert mailcow.has(domain("alice")) == []
    assert mailcow.finds("any@example.org") == ""


def test_a_mirror_has_the_mailboxes_and_the_aliases_of_the_other_domain(mailcow: Mailcow) -> None:
    described = domain("alice", aliases=[Alias("info", ["alice"]), Alias("noreply", discard=True)], catch_all=["bob"])
    assert mailcow.has(described, Domain("example.net", alias_of="example.org")) == []
    assert look_up(mailcow.api.database, "domains", "example.net") == "example.net"
    found = {name: mailcow.finds(f"{name}@example.net") for name in ("alice", "info", "noreply", "any")}
    assert found == {"alice": ALICE, "info": ALICE, "noreply": "null@localhost", "any": "bob@example.org"}
    assert look_up(mailcow.api.database, "sender_acl", "alice@example.net") == ALICE


def test_a_mirror_follows_the_other_domain_and_may_differ(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org", aliases=[Alias("shop", ["bob@example.org"])])
    assert mailcow.has(domain("alice", aliases=[Alias("info", ["alice"])]), net) == []
    assert mailcow.has(domain("alice", aliases=[Alias("sales", ["alice"])]), net) == []
    assert {a for a in mailcow.aliases() if a.endswith(".net")} == {"sales@example.net", "shop@example.net"}
    com = Domain("example.com", ["postmaster"])
    assert mailcow.has(domain("alice"), com, evolve(net, alias_of="example.com")) == []
    assert mailcow.finds("postmaster@example.net") == "postmaster@example.com"
    assert mailcow.finds("alice@example.net") == ""


def test_people_write_as_what_leads_to_their_mailbox_in_a_mirror(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org", aliases=[Alias("chair", ["bob"])], catch_all=["bob+any"])
    other = Domain("example.com", ["gina"], [Alias("bob", ["bob@example.net"])], catch_all=["gina", "Bob@example.NET"])
    assert mailcow.has(domain(aliases=[Alias("info", ["bob@example.net", "bob"])]), net, other) == []
    bob = "bob@example.org"
    for address in ("chair@example.net", "bob@example.com", "info@example.org", "info@example.net"):
        assert (mailcow.finds(address), look_up(mailcow.api.database, "sender_acl", address)) == (bob, bob)
    assert mailcow.finds("any@example.net") == "bob+any@example.org"
    assert mailcow.aliases()["@example.com"] == "bob@example.org,gina@example.com"


def test_an_alias_of_a_mirror_goes_before_the_mailbox_that_it_mirrors(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org", aliases=[Alias("chair", ["info"]), Alias("info", ["alice"])])
    assert mailcow.has(domain("alice", aliases=[Alias("info", ["bob"])]), net) == []
    assert mailcow.finds("chair@example.net") == "info@example.net"
    assert mailcow.finds("info@example.net") == ALICE


def test_a_domain_of_its_own_is_not_made_a_mirror_and_a_mirror_no_domain(mailcow: Mailcow) -> None:
    assert mailcow.has(domain(), Domain("example.net", ["carol"]), Domain("example.com", alias_of="example.org")) == []
    com, net = mailcow.has(
        domain(), Domain("example.net", alias_of="example.org"), Domain("example.com", ["postmaster"])
    )
    assert com.startswith("example.com: is an alias domain of example.org in Mailcow: delete that in Mailcow's pages")
    assert net.startswith("example.net: is a domain of its own in Mailcow; to mirror example.org, delete it")
    assert mailcow.finds("carol@example.net") == "carol@example.net"


def test_a_mailbox_keeps_and_forwards_and_stops(mailcow: Mailcow) -> None:
    assert mailcow.has(domain(Mailbox("alice", forward_to=["bob", "me@gmail.com"]))) == []
    (text,) = mailcow.filters()
    assert 'redirect :copy "bob@example.org";\nif not header' in text
    assert mailcow.has(domain(Mailbox("alice", forward_to=["bob"], keep_copy=False))) == []
    (text,) = mailcow.filters()
    assert text.endswith('redirect "bob@example.org";\n')
    assert mailcow.has(domain("alice")) == []
    assert mailcow.filters() == []
    assert mailcow.box()["tags"] == [MARK]


def test_a_prefilter_that_somebody_made_in_mailcow_is_not_put_aside(mailcow: Mailcow) -> None:
    mailcow.has(domain("alice"))
    own = {"script_data": "keep;", "script_desc": "mine", "filter_type": "prefilter", "active": 1}
    mailcow.api.add("filter", {"username": ALICE, **own})
    (refusal,) = mailcow.has(domain(Mailbox("alice", forward_to=["bob"])))
    assert refusal.startswith(f"{ALICE}: has a prefilter of its own in Mailcow")
    assert mailcow.filters() == ["keep;"]


def test_a_filter_that_somebody_made_and_that_does_the_same_is_left_to_do_it(mailcow: Mailcow) -> None:
    mailcow.has(domain("alice"))
    own = {"script_data": 'redirect "bob@example.org";', "script_desc": "mine", "filter_type": "prefilter", "active": 1}
    mailcow.api.add("filter", {"username": ALICE, **own})
    assert mailcow.has(domain(Mailbox("alice", forward_to=["bob"], keep_copy=False))) == []
    assert mailcow.filters() == [own["script_data"]]
    (refusal,) = mailcow.has(domain(Mailbox("alice", forward_to=["bob"])))
    assert refusal.startswith(f"{ALICE}: has a prefilter of its own in Mailcow")


def test_a_mailbox_writes_as_others_and_as_itself_alone_again(mailcow: Mailcow) -> None:
    described = domain(Mailbox("alice", send_as=["bob", "info", "@example.org"]), aliases=[Alias("info", ["alice"])])
    assert mailcow.has(described) == []
    assert set(mailcow.box()["sender_acl"]) == {"bob@example.org", "@example.org"}  # info leads to alice anyway
    assert ALICE in look_up(mailcow.api.database, "sender_acl", "bob@example.org").split(",")
    assert mailcow.has(domain(Mailbox("alice", send_as=["*"]))) == []
    assert mailcow.box()["sender_acl"] == ["*"]
    assert mailcow.has(domain("alice")) == []
    assert (mailcow.box()["sender_acl"], mailcow.box()["tags"]) == ([], [MARK])


def test_senders_stay_when_an_alias_goes_with_which_mailcow_forgets_them(mailcow: Mailcow) -> None:
    alice = Mailbox("alice", send_as=["@example.org", "carol"])
    assert mailcow.has(domain(alice, aliases=[Alias("carol", ["bob"])], catch_all=["bob"])) == []
    assert mailcow.has(domain(alice, aliases=[Alias("carol", ["bob"])])) == []  # no catch-all any more
    assert set(mailcow.box()["sender_acl"]) == {"@example.org", "carol@example.org"}
    assert mailcow.has(domain(alice, "carol")) == []  # a mailbox now
    assert set(mailcow.box()["sender_acl"]) == {"@example.org", "carol@example.org"}


def test_a_catch_all_lets_nobody_write_as_all_of_its_domain(mailcow: Mailcow) -> None:
    alice = Mailbox("alice", send_as=["@example.org"])
    assert mailcow.has(domain(alice, catch_all=["alice"])) == []
    assert mailcow.box()["sender_acl"] == ["@example.org"]
    assert ALICE in look_up(mailcow.api.database, "sender_acl", "bob@example.org").split(",")


def test_who_gets_the_mail_of_one_who_left_may_be_described_to_write_as_them(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org")
    mailcow.has(domain("alice", "carol"), net)
    alice = Mailbox("alice", send_as=["carol", "carol@example.net"])
    assert mailcow.has(domain(alice, aliases=[Alias("carol", ["alice"])]), net) == []
    assert ALICE in look_up(mailcow.api.database, "sender_acl", "carol@example.org").split(",")
    assert ALICE in look_up(mailcow.api.database, "sender_acl", "carol@example.net").split(",")


def test_senders_come_back_when_an_alias_leads_to_somebody_else(mailcow: Mailcow) -> None:
    alice = Mailbox("alice", send_as=["info"])
    for targets in (["bob"], ["alice"], ["bob"]):
        assert mailcow.has(domain(alice, aliases=[Alias("info", targets)])) == []
        assert "alice@example.org" in look_up(mailcow.api.database, "sender_acl", "info@example.org").split(",")


def test_senders_that_somebody_gave_in_mailcow_stay_while_none_are_described(mailcow: Mailcow) -> None:
    mailcow.has(domain("alice"))
    mailcow.api.edit("mailbox", ALICE, {"sender_acl": ["bob@example.org"]})
    assert mailcow.has(domain("alice")) == []
    assert mailcow.box()["sender_acl"] == ["bob@example.org"]


def test_protocols_are_as_described_and_all_again_when_nothing_is(mailcow: Mailcow) -> None:
    def opened() -> set[str]:
        attributes = mailcow.box()["attributes"]
        return {name.removesuffix("_access") for name, on in attributes.items() if name.endswith("_access") and int(on)}

    everything = {"imap", "pop3", "smtp", "sieve", "eas", "dav", "sogo"}
    assert mailcow.has(domain(Mailbox("alice", protocols=["imap", "smtp"]))) == []
    assert opened() == {"imap", "smtp"}
    assert mailcow.has(domain("alice")) == []
    assert opened() == everything
    mailcow.api.edit("mailbox", ALICE, {"pop3_access": 0})
    assert mailcow.has(domain("alice")) == []
    assert opened() == everything - {"pop3"}
    assert mailcow.has(domain(Mailbox("alice", protocols=["sieve"]))) == []
    assert opened() == {"sieve"}


def test_an_archived_mailbox_takes_mail_and_comes_back(mailcow: Mailcow) -> None:
    assert mailcow.has(domain(Mailbox("alice", state="archived"))) == []
    assert (mailcow.box()["active"], mailcow.finds(ALICE)) == (2, ALICE)
    assert mailcow.has(domain("alice")) == []
    assert mailcow.box()["active"] == 1
    assert mailcow.has(domain(Mailbox("alice", state="inactive"))) == []
    assert (mailcow.box()["active"], mailcow.finds(ALICE)) == (0, "")
    assert mailcow.has(domain("alice")) == []
    assert mailcow.box()["active"] == 1


def test_logins_that_an_admin_disallowed_in_mailcow_stay_so(mailcow: Mailcow) -> None:
    mailcow.has(domain("alice"))
    mailcow.api.edit("mailbox", ALICE, {"active": 2})
    assert mailcow.has(domain("alice")) == []
    assert mailcow.box()["active"] == 2


def test_app_passwords_come_change_and_go_and_stay_their_owners(mailcow: Mailcow) -> None:
    def apps() -> dict[str, set[str]]:
        rows = mailcow.api.items(f"get/app-passwd/all/{ALICE}")
        return {row["name"]: {key for key in row if key.endswith("_access") and row[key]} for row in rows}

    mailcow.has(domain("alice"))
    own = {"username": ALICE, "app_name": "mine", "app_passwd": PASSWORD, "app_passwd2": PASSWORD, "active": 1}
    mailcow.api.add("app-passwd", {**own, "protocols": ["imap_access"]})
    assert mailcow.has(domain(Mailbox("alice", app_passwords=["phone", AppPassword("Scanner", ["smtp"])]))) == []
    made = {"mailnix: phone": {"imap_access", "smtp_access"}, "mailnix: Scanner": {"smtp_access"}}
    assert apps() == {"mine": {"imap_access"}, **made}
    assert mailcow.has(domain(Mailbox("alice", app_passwords=[AppPassword("phone", ["dav"])]))) == []
    assert apps() == {"mine": {"imap_access"}, "mailnix: phone": {"dav_access"}}
    assert mailcow.has(domain("alice")) == []
    assert apps() == {"mine": {"imap_access"}}


@pytest.mark.parametrize("name", ["<Alice", "Alice>", "<<Alice B.>>", "A <x> B", "O'Neil & Söhne 🎈"])
def test_a_name_that_mailcow_shortens_is_set_once(mailcow: Mailcow, name: str) -> None:
    assert mailcow.has(domain(Mailbox("alice", name=name))) == []
    assert mailcow.has(domain(Mailbox("alice", name="other"))) == []
    assert mailcow.has(domain(Mailbox("alice", name=name))) == []
