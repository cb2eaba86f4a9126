"""The contact is an address whose mail somebody gets."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.errors import Severity
from mailnix.model.check import problems
from tests.descriptions import sound


def described(contact: str, **changed: Any) -> Topology:
    fields = {"mailboxes": ["alice"], "aliases": [Alias("postmaster", "alice")], **changed}
    return sound(
        contact=contact, domains=[Domain("example.org", **fields), Domain("example.net", alias_of="example.org")]
    )


@pytest.mark.parametrize(
    "contact",
    [
        "alice@example.org",
        "Postmaster@Example.ORG",
        "alice+certificates@example.org",
        "alice@example.net",
        "postmaster@example.net",
    ],
)
def test_somebody_of_ours_is_fine(contact: str) -> None:
    assert problems(described(contact)) == ()


def test_a_catch_all_takes_it_too() -> None:
    assert problems(described("reports@example.net", catch_all=["alice"])) == ()


WRONG = {
    "nobody": (described("reports@example.org"), "nobody gets mail for reports@example.org"),
    "nobody in a mirror": (described("reports@example.net"), "nobody gets"),
    "somebody who takes no mail": (
        described("bob@example.org", mailboxes=["alice", Mailbox("bob", state="inactive")]),
        "nobody gets",
    ),
    "thrown away": (
        described("no@example.org", aliases=[Alias("postmaster", "alice"), Alias("no", discard=True)]),
        "nobody gets",
    ),
    "thrown away later": (
        described(
            "reports@example.org",
            aliases=[Alias("postmaster", "alice"), Alias("reports", "no+x"), Alias("no", discard=True)],
        ),
        "nobody gets",
    ),
    "at a machine": (described("alice@mail.example.org"), "takes no mail"),
    "at a name of mail programs": (described("alice@autoconfig.example.net"), "takes no mail"),
    "with a name": (described("Alice <alice@example.org>"), "write alice@example.org"),
    "a link": (described("mailto:alice@example.org"), "write alice@example.org"),
    "no address": (described("alice"), "postmaster@example.org"),
    "no local part": (described("@example.org"), "missing"),
    "no tag that an address may have": (described("alice+a b@example.org"), "RFC 5321"),
}


@pytest.mark.parametrize(("topology", "words"), WRONG.values(), ids=WRONG.keys())
def test_an_address_whose_mail_nobody_gets_is_an_error(topology: Topology, words: str) -> None:
    problem = next(each for each in problems(topology) if each.path == "contact")
    assert problem.severity is Severity.ERROR
    assert words in f"{problem.message} {problem.hint}"
