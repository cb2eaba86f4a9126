"""An administrator's changes, and a new Mailcow: carried over, merged, kept beside, or named."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Final

import pytest

from mailnix.services.mailcow.guest.tree import read_record, write_record
from tests.services.mailcow.machine import ALLOWED, DENIED, UNBOUND, Machine, write

COMPOSE: Final = "docker-compose.yml"


def test_what_administrators_change_in_mailcows_pages_survives_upgrades(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    old = machine.config["source"]
    write(machine.root / ALLOWED, "/friend@example.net/i\n", 0o660)
    machine.ship("two")
    machine.set_up()
    assert (machine.root / ALLOWED).read_text() == "/friend@example.net/i\n"
    assert (machine.root / ALLOWED).stat().st_mode & 0o777 == 0o660
    assert (machine.root / DENIED).read_text() == "# two\n"
    write(machine.root / DENIED, "/foe@example.net/i\n")
    machine.config["source"] = old
    subprocess.run(["rm", "-r", machine.paths.source], check=True)
    machine.set_up()
    assert (machine.root / ALLOWED).read_text() == "/friend@example.net/i\n"
    assert (machine.root / DENIED).read_text() == "/foe@example.net/i\n"


def test_edits_by_hand_are_merged_with_what_a_new_mailcow_brings(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no place for more lines to unbound.conf: a resolver that shall log less was so until the next pin."""
    machine.ship("one")
    machine.set_up()
    old = machine.config["source"]
    edited = machine.root / UNBOUND
    write(edited, edited.read_text().replace("verbosity: 1", "verbosity: 0"), 0o640)
    machine.ship("two")
    machine.set_up()
    assert edited.read_text() == "server:\n  verbosity: 0\n  do-ip6: yes\n  # of two\n"
    assert edited.stat().st_mode & 0o777 == 0o640
    assert f"{UNBOUND} was edited: the edits are in Mailcow's new one" in capsys.readouterr().out
    machine.config["source"] = old
    subprocess.run(["rm", "-r", machine.paths.source], check=True)
    machine.set_up()
    assert edited.read_text() == "server:\n  verbosity: 0\n  do-ip6: yes\n  # of one\n"


def test_an_edit_where_mailcow_changed_the_same_line_lies_beside_it_and_is_named(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    edited = machine.root / UNBOUND
    mine = edited.read_text().replace("# of one", "# of mine")
    edited.write_text(mine)
    machine.ship("two")
    machine.set_up()
    assert edited.read_text().endswith("# of two\n")
    assert edited.with_name("unbound.conf.yours").read_text() == mine
    assert "Mailcow's stands, yours is data/conf/unbound/unbound.conf.yours" in capsys.readouterr().out


def test_a_file_of_our_own_that_mailcow_has_now_lies_beside_mailcows_and_is_named(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    ours = machine.root / "data/conf/only-in-two"
    write(ours, "ours")
    machine.ship("two")
    machine.set_up()
    assert (ours.read_text(), ours.with_name("only-in-two.yours").read_text()) == ("x", "ours")
    assert "yours is data/conf/only-in-two.yours" in capsys.readouterr().out


def test_an_edit_of_what_is_not_for_people_to_edit_is_named_with_where_it_is_still(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    write(machine.root / COMPOSE, "# mine\n")
    write(machine.root / "data/conf/postfix/main.cf", "by Mailcow's container\n")
    capsys.readouterr()
    machine.ship("two")
    machine.set_up()
    assert (machine.root / COMPOSE).read_text() == "# two\n"
    kept = machine.paths.beside("previous") / COMPOSE
    assert kept.read_text() == "# mine\n"
    said = [line for line in capsys.readouterr().out.splitlines() if "edited" in line]
    assert said == [f"{COMPOSE} was edited: Mailcow's new one stands, yours is {kept}"]


def test_a_tree_of_a_mailnix_that_knew_of_fewer_edits_is_no_edited_one(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    record = read_record(machine.root)
    assert record is not None
    write_record(machine.root, replace(record, digests={}))
    machine.ship("two")
    machine.set_up()
    assert "was edited" not in capsys.readouterr().out


def test_an_edit_below_a_setting_of_ours_is_merged_for_the_day_when_the_setting_goes(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    edited = machine.root / UNBOUND
    edited.write_text(edited.read_text().replace("verbosity: 1", "verbosity: 0"))
    ours = machine.paths.settings / UNBOUND
    write(ours, "ours\n")
    machine.ship("two")
    machine.set_up()
    assert edited.read_text() == "ours\n"
    ours.unlink()
    machine.set_up()
    assert edited.read_text() == "server:\n  verbosity: 0\n  do-ip6: yes\n  # of two\n"
