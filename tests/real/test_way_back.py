"""From another Mailcow to the pinned one, unconfirmed, and back: with the database of before, and all mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import define

from mailnix.nar import nar_hash
from mailnix.services.generations.names import CHANGES
from mailnix.services.mailcow.guest.databases import read
from mailnix.services.mailcow.pin import PIN, Pin
from rig.mailcow import Mailcow, mailcow
from tests.real.description import DESCRIPTION
from tests.real.given import BEFORE, HOW, tree
from tests.real.logins import accepted, admin_accepted

VMAIL: Final = "/var/lib/docker/volumes/mailcowdockerized_vmail-vol-1/_data"
CUR: Final = f"{VMAIL}/example.org/alice/Maildir/cur"
ALICE: Final = "alice@example.org"
THEN: Final = {"address": "then@example.org", "goto": ALICE, "active": 1}
MEANWHILE: Final = {"address": "meanwhile@example.org", "goto": ALICE, "active": 1}


@define
class Was:
    """A Mailcow that is the old one again: what held under the pinned one, and what mailcow-setup said on each way."""

    machine: Mailcow
    version: object
    aliases: frozenset[str]
    said: tuple[str, str]


def change(machine: Mailcow, step: str) -> None:
    """What the keeper of generations has written."""
    path = machine.space.path(CHANGES)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pending": {"id": "x", "step": step}, "last": None}))


def mail(machine: Mailcow, name: str) -> None:
    """One has arrived."""
    folder = machine.space.path(CUR)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}:2,").write_text(f"Subject: {name}\n\nText\n")


def aliases(machine: Mailcow) -> frozenset[str]:
    return frozenset(str(row["address"]) for row in machine.api().rows("get/alias/all"))


@pytest.fixture(scope="module")
def was(mailcow_tree: Path) -> Iterator[Was]:
    before = tree(BEFORE)
    if before is None:
        pytest.skip(f"{BEFORE} names no tree of an earlier Mailcow; {HOW}")
    found = nar_hash(before)
    old = Pin("before", found, found, "")
    with mailcow(DESCRIPTION, before, old) as machine:
        machine.provision()
        machine.api().call("add/alias", THEN)
        mail(machine, "before")
        machine.stop()
        change(machine, "installing")
        there = machine.lay(mailcow_tree, PIN)
        machine.web_up()
        version = machine.api().call("get/status/version").body
        machine.api().call("add/alias", MEANWHILE)
        known = aliases(machine)
        mail(machine, "meanwhile")
        machine.stop()
        change(machine, "back")
        back = machine.lay(before, old)
        machine.web_up()
        yield Was(machine, version, known, (there, back))


def test_meanwhile_the_pinned_one_ran_and_wrote(was: Was) -> None:
    assert was.version == {"version": PIN.tag}
    assert {THEN["address"], MEANWHILE["address"]} <= was.aliases


def test_the_old_one_runs(was: Was) -> None:
    assert was.machine.api().call("get/status/version").body == {"version": "before"}


def test_what_was_made_in_the_pinned_one_is_gone_and_what_was_before_is_there(was: Was) -> None:
    known = aliases(was.machine)
    assert THEN["address"] in known
    assert MEANWHILE["address"] not in known


def test_the_machine_knows_whose_database_is_in_use_and_whose_is_kept(was: Was) -> None:
    state = read(was.machine.tree)
    assert state is not None
    assert state.kept is not None
    assert (state.live, state.kept.rev) == (was.machine.pin.rev, PIN.rev)


def test_mailboxes_and_passwords_are_those_of_before(was: Was) -> None:
    machine = was.machine
    password = json.loads(machine.secret("mailcow.mailboxes"))[ALICE]
    assert accepted(machine, ALICE, password, "imap")
    assert admin_accepted(machine, machine.secret("mailcow.admin-password"))
    assert machine.provision().stdout.strip().splitlines()[-1] == "0 changes, 0 refused"


def test_mail_is_there_also_what_came_meanwhile(was: Was) -> None:
    assert {path.name for path in was.machine.space.path(CUR).iterdir()} == {"before:2,", "meanwhile:2,"}


def test_each_way_says_what_becomes_of_the_database(was: Was) -> None:
    there, back = was.said
    assert "the database is kept as it is, for the way back" in there
    assert "the database is the one of" in back
