"""A mailbox becomes an alias, or an alias a mailbox: no mail may bounce in between. And how many calls it all takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailnix import Alias, Domain, Mailbox, Topology

from .faked import CAROL, Mailcow, Pem, domain, made_by_hand, running


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    with running(tmp_path) as api:
        yield Mailcow(api, topology, pem, tmp_path)


def left(*targets: str, **more: Any) -> Domain:
    return domain(aliases=[Alias("carol", targets, **more)])


def test_who_left_is_an_alias_at_once_while_no_mail_bounces(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    refused: list[str] = []
    mailcow.api.after = lambda path: None if mailcow.finds(CAROL) else refused.append(path)
    assert mailcow.has(left("bob", "me@else.example")) == []
    assert refused == []
    (text,) = mailcow.filters(CAROL)
    assert 'redirect "bob@example.org";' in text
    assert mailcow.box(CAROL)["active"] == 2
    assert mailcow.api.paths() == ["add/filter", "edit/mailbox"]


def test_who_left_may_be_thrown_away_and_come_back(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    assert mailcow.has(left(discard=True)) == []
    assert mailcow.filters(CAROL) == ["discard;\n"]
    assert mailcow.has(domain("carol")) == []
    assert (mailcow.filters(CAROL), mailcow.box(CAROL)["active"]) == ([], 1)


def test_who_was_switched_off_by_an_older_mailnix_takes_mail_again(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    mailcow.has(domain())
    assert mailcow.finds(CAROL) == ""
    assert mailcow.has(left("bob")) == []
    assert mailcow.finds(CAROL) == CAROL
    assert len(mailcow.filters(CAROL)) == 1


def test_who_was_switched_off_takes_no_mail_that_a_filter_of_their_own_would_keep_unseen(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    own = {"script_data": "keep;", "script_desc": "mine", "filter_type": "prefilter", "active": 1}
    mailcow.api.add("filter", {"username": CAROL, **own})
    mailcow.has(domain())
    (refusal,) = mailcow.has(left("bob"))
    assert "prefilter of its own" in refusal
    assert mailcow.finds(CAROL) == ""


def test_who_left_is_an_alias_as_soon_as_the_mailbox_is_deleted_in_mailcow(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    mailcow.has(left("bob"))
    mailcow.api.delete("mailbox", CAROL)
    assert mailcow.has(left("bob")) == []
    assert mailcow.aliases() == {CAROL: "bob@example.org"}


def test_who_left_leaves_in_mirrors_too(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org")
    mailcow.has(domain("carol"), net)
    assert mailcow.has(left("bob"), net) == []
    assert mailcow.finds("carol@example.net") == CAROL


def test_who_gets_a_mailbox_in_an_aliass_place_is_found_in_mirrors_all_the_time(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org")
    mailcow.has(left("bob"), net)
    refused: list[str] = []
    mailcow.api.after = lambda path: None if mailcow.finds("carol@example.net") else refused.append(path)
    assert mailcow.has(domain("carol"), net) == []
    assert refused == []
    assert mailcow.finds("carol@example.net") == CAROL


def test_a_mailbox_that_somebody_made_in_mailcow_is_not_made_an_alias(mailcow: Mailcow) -> None:
    mailcow.has(domain())
    made_by_hand(mailcow, CAROL)
    (refusal,) = mailcow.has(left("bob"))
    assert refusal.startswith(f"{CAROL}: is a mailbox that was made in Mailcow, and goes on to take its mail itself")
    assert (mailcow.box(CAROL)["active"], mailcow.filters(CAROL)) == (1, [])


def test_an_alias_goes_just_before_the_mailbox_in_its_place_comes(mailcow: Mailcow) -> None:
    mailcow.has(domain(aliases=[Alias("carol", ["bob"]), Alias("x", ["bob"])]))
    assert mailcow.has(domain("alice", "carol")) == []
    assert mailcow.api.paths() == ["add/mailbox", "delete/alias", "add/mailbox", "delete/alias"]
    assert [body for path, body in mailcow.api.writes if path == "add/mailbox"][1]["local_part"] == "carol"
    assert mailcow.finds(CAROL) == CAROL


def test_an_alias_comes_back_where_the_mailbox_in_its_place_is_refused_and_stays_in_mirrors(mailcow: Mailcow) -> None:
    net = Domain("example.net", alias_of="example.org")

    def full(path: str) -> None:
        if path == "delete/alias":
            mailcow.api.edit("domain", "example.org", {"mailboxes": 1})

    mailcow.has(domain(aliases=[Alias("carol", ["bob"])]), net)
    mailcow.api.after = full
    assert mailcow.once(domain("carol"), net).refusals == [f"{CAROL}: added: refused: max_mailbox_exceeded 1 1"]
    assert mailcow.finds(CAROL) == "bob@example.org"
    assert mailcow.finds("carol@example.net") == "bob@example.org"


def test_twice_as_many_mailboxes_take_twice_as_many_calls(mailcow: Mailcow) -> None:
    def calls(count: int) -> int:
        mailcow.api.calls.clear()
        boxes = [Mailbox(f"m{n}", send_as=["bob"], forward_to=["bob"], app_passwords=["phone"]) for n in range(count)]
        mailcow.has(domain(*boxes, aliases=[Alias(f"a{n}", [f"m{n}"]) for n in range(count)]))
        return len(mailcow.api.calls)

    few, many = calls(10), calls(20)
    assert many < 2.1 * few
