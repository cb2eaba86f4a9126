"""A Mailcow that was there before: from `mailnix adopt`, a restored backup, or provisioned by an older mailnix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import Alias, Mailbox, Topology
from mailnix.services.mailcow.guest.domains import MARK
from mailnix.services.mailcow.guest.mailboxes import FORWARD

from .faked import CAROL, Mailcow, Pem, domain, made_by_hand, running


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    """One in which Carol has a mailbox that no description knows yet."""
    with running(tmp_path) as api:
        found = Mailcow(api, topology, pem, tmp_path)
        found.once(domain())
        made_by_hand(found, CAROL)
        yield found


def test_who_was_there_before_is_switched_off_when_described_no_more(mailcow: Mailcow) -> None:
    assert mailcow.has(domain("carol")) == []
    assert mailcow.box(CAROL)["tags"] == [MARK]
    assert mailcow.has(domain()) == []
    assert (mailcow.box(CAROL)["active"], mailcow.finds(CAROL)) == (0, "")
    assert mailcow.has(domain("carol")) == []
    assert (mailcow.box(CAROL)["active"], mailcow.finds(CAROL)) == (1, CAROL)


def test_who_was_there_before_may_leave_their_address_to_an_alias(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol"))
    assert mailcow.has(domain(aliases=[Alias("carol", ["bob"])])) == []
    assert mailcow.box(CAROL)["active"] == 2
    assert 'redirect "bob@example.org";' in mailcow.filters(CAROL)[0]


def test_who_was_never_described_stays_and_is_named(mailcow: Mailcow, capsys: pytest.CaptureFixture[str]) -> None:
    assert mailcow.has(domain()) == []
    assert mailcow.box(CAROL)["active"] == 1
    assert f"{CAROL}: not described, left as it is" in capsys.readouterr().out


def test_whom_an_older_mailnix_gave_another_tag_alone_is_switched_off_too(mailcow: Mailcow) -> None:
    mailcow.api.edit("mailbox", CAROL, {"tags": [FORWARD]})
    assert mailcow.has(domain()) == []
    assert mailcow.box(CAROL)["active"] == 0


def noted(mailcow: Mailcow, text: str, **more: object) -> None:
    """An alias of Carol's, with what somebody noted of it."""
    words = {"address": "info@example.org", "goto": CAROL, "active": 1, "private_comment": text}
    mailcow.api.add("alias", {**words, **more})


def comments(mailcow: Mailcow) -> list[str]:
    return [row["private_comment"] for row in mailcow.api.items("get/alias/all")]


INFO = Alias("info", ["carol"])


def test_what_somebody_noted_of_an_alias_stays_behind_our_mark(mailcow: Mailcow) -> None:
    noted(mailcow, "for the 2019 camp, ask Eva")
    assert mailcow.has(domain("carol", aliases=[INFO])) == []
    assert comments(mailcow) == ["mailnix: for the 2019 camp, ask Eva"]
    assert mailcow.has(domain("carol", aliases=[Alias("info", ["bob"])])) == []
    assert comments(mailcow) == ["mailnix: for the 2019 camp, ask Eva"]
    assert mailcow.has(domain("carol")) == []
    assert comments(mailcow) == []


@pytest.mark.parametrize("text", ["x" * 160, "ä" * 80, "ab" + "🎈" * 39, "mailnix-like, by hand"])
def test_a_note_is_cut_where_mailcow_takes_no_more(mailcow: Mailcow, text: str) -> None:
    noted(mailcow, text)
    assert mailcow.has(domain("carol", aliases=[INFO])) == []
    (comment,) = comments(mailcow)
    assert f"mailnix: {text}".startswith(comment)
    assert 150 < len(comment.encode()) <= 160 or comment == f"mailnix: {text}"


def test_a_note_that_is_changed_in_mailcow_stays(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol", aliases=[INFO]))
    assert comments(mailcow) == [MARK]
    for text, kept in (("mailnix: ask Eva", "mailnix: ask Eva"), ("ask Adam", "mailnix: ask Adam"), ("", MARK)):
        mailcow.api.edit("alias", "info@example.org", {"private_comment": text, "goto": CAROL})
        assert mailcow.has(domain("carol", aliases=[INFO])) == []
        assert comments(mailcow) == [kept]


def test_a_note_comes_back_with_an_alias_whose_place_no_mailbox_could_take(mailcow: Mailcow) -> None:
    def full(path: str) -> None:
        if path == "delete/alias":
            mailcow.api.edit("domain", "example.org", {"mailboxes": 2})

    noted(mailcow, "ask Eva")
    mailcow.has(domain("carol", aliases=[INFO]))
    mailcow.api.after = full
    assert mailcow.once(domain("carol", "info")).refusals != []
    assert comments(mailcow) == ["mailnix: ask Eva"]


def test_whoever_is_found_is_marked_in_the_call_that_changes_the_rest_and_once(mailcow: Mailcow) -> None:
    wanted = Mailbox("carol", name="Carol C.", sends_per_hour=0, send_as=["bob"])
    assert mailcow.has(domain(wanted)) == []
    assert mailcow.api.paths() == ["edit/mailbox", "edit/mailbox"]
    (first, _) = (body["attr"] for _, body in mailcow.api.writes)
    assert (first["name"], first["tags"]) == ("Carol C.", [MARK, f"{MARK}-send-as"])
