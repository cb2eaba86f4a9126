"""Who may write as whom, after a run against the fake Mailcow: as the description says, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from tests.lab.fake_mailcow.test_lookups import look_up
from tests.real.everything import EVERYTHING
from tests.senders import as_described, as_found

from .faked import Mailcow, Pem, domain, running

MIRROR = Domain("example.net", alias_of="example.org", aliases=[Alias("sales", ["alice@example.org"])])


@pytest.fixture
def mailcow(topology: Topology, pem: Pem, tmp_path: Path) -> Iterator[Mailcow]:
    with running(tmp_path) as api:
        yield Mailcow(api, topology, pem, tmp_path)


@pytest.mark.parametrize(
    ("here", "more"),
    [
        (domain("alice"), []),
        (domain("alice", catch_all=["alice"]), [MIRROR]),
        (domain(Mailbox("alice", send_as=["@example.org"]), "carol", catch_all=["carol"]), [MIRROR]),
        (domain(Mailbox("alice", send_as=["*"]), aliases=[Alias("info", ["bob"])]), [MIRROR]),
        (domain(Mailbox("alice", send_as=["bob", "info"]), aliases=[Alias("info", ["bob"])]), [MIRROR]),
        (domain(Mailbox("alice", send_as=["@example.net"]), aliases=[Alias("info", ["bob"])]), [MIRROR]),
        (
            domain("alice", aliases=[Alias("a", ["b"]), Alias("b", ["alice"]), Alias("c", ["alice+c"])]),
            [Domain("example.com", ["gina"], [Alias("all", ["gina", "alice@example.net", "x@stranger.example"])])],
        ),
        (
            domain(
                "alice",
                Mailbox("old", state="archived"),
                Mailbox("off", state="inactive"),
                aliases=[Alias("no", discard=True)],
                catch_all=["alice"],
            ),
            [MIRROR],
        ),
    ],
    ids=[
        "mailboxes alone",
        "a catch-all and a mirror",
        "a domain, beside another's catch-all",
        "everywhere",
        "a mailbox and an alias",
        "a mirror",
        "aliases of aliases, of tags and of elsewhere",
        "an archive, an inactive mailbox, a discarding alias",
    ],
)
def test_senders_are_those_that_are_described(mailcow: Mailcow, here: Domain, more: list[Domain]) -> None:
    senders_are_as_described(mailcow, evolve(mailcow.topology, domains=[here, *more]))


def test_the_fake_has_the_senders_that_mailcow_itself_has(mailcow: Mailcow) -> None:
    """tests/real asks Mailcow's own Postfix the same of the same."""
    senders_are_as_described(mailcow, EVERYTHING)


def senders_are_as_described(mailcow: Mailcow, described: Topology) -> None:
    assert mailcow.has(*described.domains) == []
    found = as_found(described, lambda key: look_up(mailcow.api.database, "sender_acl", key))
    assert found == as_described(described)
    assert any(found.values())
