"""Mail that is handed on: spam leaves by no way, and what a receiver refuses is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.services.mailcow.guest.description import Forward
from mailnix.services.mailcow.guest.sieve import UNLESS_SPAM, script

from .faked import CAROL, Mailcow, Pem, domain, running

ALIASES = (
    Alias("friends", ["x@gmail.com"]),
    Alias("board", ["bob", "friends"]),
    Alias("team", ["bob"]),
    Alias("noreply", discard=True),
)
NET = Domain("example.net", alias_of="example.org", aliases=[Alias("out", ["x@gmail.com"])])
COM = Domain("example.com", ["gina"], catch_all=["x@gmail.com"])


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    with running(tmp_path) as api:
        yield Mailcow(api, topology, pem, tmp_path)


def of_spam(mailcow: Mailcow, *addresses: str) -> set[str]:
    """Those of the targets to which alice's filter hands on what is spam, too."""
    boxes = Mailbox("alice", forward_to=addresses), Mailbox("away", forward_to=["x@gmail.com"])
    assert mailcow.has(domain(*boxes, aliases=ALIASES), NET, COM) == []
    (text,) = mailcow.filters()
    always = text.partition(UNLESS_SPAM)[0]
    assert [f'"{each}"' in text for each in addresses] == [True] * len(addresses)
    return {each for each in addresses if f'"{each}"' in always}


def test_spam_leaves_by_no_alias_of_ours(mailcow: Mailcow) -> None:
    ways_out = ["friends", "board", "friends+tag"]
    ways_out = [f"{each}@example.org" for each in ways_out]
    ways_out += ["me@gmail.com", "friends@example.net", "out@example.net", "nobody@example.com"]
    assert of_spam(mailcow, *ways_out) == set()


def test_spam_goes_to_what_judges_it_anew(mailcow: Mailcow) -> None:
    here = {"bob@example.org", "bob+tag@example.org", "team@example.org", "noreply@example.org"}
    here |= {"away@example.org", "bob@example.net", "team@example.net", "gina@example.com"}
    assert of_spam(mailcow, *sorted(here)) == here


def test_spam_leaves_by_no_alias_that_others_made_and_a_catch_all_of_ours_hides(mailcow: Mailcow) -> None:
    described = domain(Mailbox("alice", forward_to=["sales"]), catch_all=["bob"])
    mailcow.has(described)
    assert UNLESS_SPAM not in mailcow.filters()[0]
    mailcow.api.add("alias", {"address": "sales@example.org", "goto": "x@gmail.com", "active": 1})
    assert mailcow.has(described) == []
    assert UNLESS_SPAM in mailcow.filters()[0]


def test_spam_of_who_left_leaves_by_no_alias_either(mailcow: Mailcow) -> None:
    mailcow.has(domain("carol", aliases=ALIASES))
    assert mailcow.has(domain(aliases=[*ALIASES, Alias("carol", ["board", "team"])])) == []
    always, _, unless = mailcow.filters(CAROL)[0].partition(UNLESS_SPAM)
    assert ('"team@example.org"' in always, '"board@example.org"' in unless) == (True, True)


def test_a_filter_of_an_older_mailnix_is_written_anew_once(mailcow: Mailcow) -> None:
    described = domain(Mailbox("alice", forward_to=["bob"], keep_copy=False))
    mailcow.has(described)
    (row,) = mailcow.api.items("get/filters/alice@example.org")
    mailcow.api.edit("filter", row["id"], {"active": 1, "script_data": 'redirect "bob@example.org";\n'})
    assert mailcow.has(described) == []
    assert mailcow.api.paths() == ["edit/filter"]
    assert 'envelope :is "from" ""' in mailcow.filters()[0]


def test_what_leaves_is_written_apart() -> None:
    text = script(Forward(("bob@example.org", "me@gmail.com", "x@else.example"), keep_copy=True), {"bob@example.org"})
    assert text.splitlines()[1:] == [
        'require ["copy"];',
        'redirect :copy "bob@example.org";',
        'if not header :contains "X-Spam-Flag" "YES" {',
        '  redirect :copy "me@gmail.com";',
        '  redirect :copy "x@else.example";',
        "}",
    ]
