"""Where the description says that mail ends, as far as checks count on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology
from mailnix.config import load
from mailnix.lab.scenario.ends import ends, may_write_as, owned

EVERYTHING = Path(__file__).resolve().parents[3] / "docs/examples/everything.py"


@pytest.fixture(scope="module")
def everything() -> Topology:
    return load(EVERYTHING)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("alice@example.org", ["alice@example.org"]),
        ("alice+tag@example.org", ["alice@example.org"]),
        ("alice@example.net", ["alice@example.org"]),
        ("postmaster@example.net", ["alice@example.org"]),
        ("bob@example.org", ["bob@example.org", "bob@friends.example"]),
        ("info@example.org", ["alice@example.org", "bob@example.org", "bob@friends.example"]),
        ("band@example.net", ["alice@example.org", "frank@friends.example"]),
        ("noreply@example.org", []),
        ("carol@example.org", ["carol@example.org"]),
        ("dan@example.org", ["alice@example.org"]),
        ("erin@example.org", []),
        ("nobody@example.org", []),
        ("nobody@example.com", ["grace@example.com"]),
        ("somebody@elsewhere.test", ["somebody@elsewhere.test"]),
    ],
)
def test_mail_ends_where_the_example_says(everything: Topology, address: str, wanted: list[str]) -> None:
    assert sorted(ends(everything, address)) == wanted
    assert set(ends(everything, address).values()) <= {1}


def described(*mailboxes: Mailbox, aliases: tuple[Alias, ...] = (), catch_all: tuple[str, ...] = ()) -> Topology:
    domain = Domain("example.org", mailboxes, aliases, catch_all=catch_all)
    return Topology("mail.example.org", [Proxy("proxy", "203.0.113.10")], Internal("internal"), [domain])


def test_an_inactive_mailbox_leaves_its_mail_to_the_catch_all() -> None:
    topology = described(Mailbox("alice"), Mailbox("bob", state="inactive"), catch_all=("alice",))
    assert ends(topology, "bob@example.org") == {"alice@example.org": 1}


def test_a_discarding_alias_goes_before_the_catch_all() -> None:
    topology = described(Mailbox("alice"), aliases=(Alias("no", discard=True),), catch_all=("alice",))
    assert not ends(topology, "no@example.org")


def test_aliases_that_lead_to_one_mailbox_twice_make_one_copy_and_a_mailbox_that_hands_on_another() -> None:
    both = (Alias("a", to=["alice"]), Alias("b", to=["a", "alice"]), Alias("c", to=["alice", "bob"]))
    topology = described(Mailbox("alice"), Mailbox("bob", forward_to=["alice"], keep_copy=False), aliases=both)
    assert ends(topology, "b@example.org") == {"alice@example.org": 1}
    assert ends(topology, "c@example.org") == {"alice@example.org": 2}


def test_aliases_that_go_round_in_circles_end_nowhere() -> None:
    topology = described(Mailbox("alice"), aliases=(Alias("a", to=["b"]), Alias("b", to=["a"])))
    assert not ends(topology, "a@example.org")


@pytest.mark.parametrize(
    ("who", "sender", "may"),
    [
        ("shop", "info@example.org", True),
        ("alice", "info@example.org", True),
        ("scanner", "info@example.org", False),
        ("alice", "alice@example.net", True),
        ("shop", "alice@example.org", False),
        ("grace", "whoever@example.com", True),
    ],
)
def test_who_may_write_as_whom_follows_from_addresses_and_senders(
    everything: Topology, who: str, sender: str, may: bool
) -> None:
    (box,) = (box for box in owned(everything) if box.mailbox.local_part == who)
    assert may_write_as(everything, box, sender) is may
