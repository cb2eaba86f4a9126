"""Whenever power is cut, the machine starts one system, with the credentials of that one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.nixos.machine import NixOS, installed, last, needs_setsid

pytestmark = needs_setsid

CUT = 'touch "$MAILNIX_ROOT/killed"; kill -9 "-$(cat "$MAILNIX_ROOT"/units/*-finish.service)"'
"""In a system's texts: what finishes the change ends here, and the power with it."""


@pytest.mark.parametrize("when", ["received", "installed"])
def test_a_power_cut_starts_what_was_there(machine: NixOS, when: str) -> None:
    secret = machine.root / "etc/credstore/haraka.internalcmd"
    secret.write_text("old")
    machine.receive(2, machine.system("second"), haraka_internalcmd="new")
    if when == "installed":
        machine.switch(2)
        assert secret.read_text() == "new"
    machine.power_cut()
    assert machine.runs == ("first", "first")
    assert secret.read_text() == "old"
    assert machine.call("status")["pending"] is None
    if when == "installed":
        assert last(machine) == ("back", "the machine started anew meanwhile")


def test_a_power_cut_just_after_the_boot_loader_was_written_starts_the_new_one(machine: NixOS) -> None:
    secret = machine.root / "etc/credstore/haraka.internalcmd"
    secret.write_text("old")
    machine.receive(2, machine.system("second", boot=CUT), haraka_internalcmd="new")
    machine.switch(2)
    machine.confirming_cut_off()
    assert machine.runs == ("second", "second")
    assert secret.read_text() == "new"
    assert last(machine) == ("confirmed", "the machine started anew meanwhile")
    assert machine.call("status")["generations"][1]["by"] == "alice@laptop"
    assert not (machine.root / "var/lib/mailnix/generations/before").exists()


def cut_off_before_its_boot_loader(machine: NixOS) -> Path:
    """Confirming a second system with other credentials ends there; gives where these are."""
    (machine.root / "boots").write_text(machine.system("first").name)
    store = machine.root / "etc/credstore"
    (store / "haraka.internalcmd").write_text("old")
    machine.receive(2, machine.system("second", before_boot=CUT), haraka_internalcmd="new", haraka_other="new")
    machine.switch(2)
    machine.confirming_cut_off()
    return store


def test_a_power_cut_just_before_the_boot_loader_is_written_leaves_what_was_there(machine: NixOS) -> None:
    store = cut_off_before_its_boot_loader(machine)
    assert last(machine) == ("back", "the machine started anew meanwhile")
    assert machine.runs == ("first", "first")
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "old"}


def test_credentials_are_back_at_the_boot_after_before_anybody_asks(machine: NixOS) -> None:
    store = cut_off_before_its_boot_loader(machine)
    assert (store / "haraka.internalcmd").read_text() == "new"
    done = len(machine.log)
    machine.starts()
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "old"}
    assert machine.profile.resolve().name.endswith("-first")
    assert [line for line in machine.log[done:] if "restart" in line] == []  # nothing has read them yet
    assert last(machine) == ("back", "the machine started anew meanwhile")


def test_where_the_new_one_starts_a_boot_keeps_its_credentials(machine: NixOS) -> None:
    (machine.root / "boots").write_text(machine.system("first").name)
    secret = machine.root / "etc/credstore/haraka.internalcmd"
    secret.write_text("old")
    machine.receive(2, machine.system("second", boot=CUT), haraka_internalcmd="new")
    machine.switch(2)
    machine.confirming_cut_off()
    machine.starts()
    assert secret.read_text() == "new"
    assert not [*machine.root.glob("var/lib/mailnix/generations/before")]
    assert last(machine)[0] == "confirmed"


def test_a_boot_without_any_of_that_changes_nothing(machine: NixOS) -> None:
    installed(machine, haraka_internalcmd="new")
    machine.call("confirm", "2", "--id", "a1")
    machine.power_cut()
    machine.starts()
    assert (machine.root / "etc/credstore/haraka.internalcmd").read_text() == "new"


@pytest.mark.parametrize("when", ["before_boot", "boot"])
def test_credentials_alone_are_whole_after_a_power_cut(machine: NixOS, when: str) -> None:
    secret = machine.root / "etc/credstore/haraka.internalcmd"
    secret.write_text("old")
    machine.receive(2, machine.system("first", **{when: CUT}), haraka_internalcmd="new")
    machine.switch(2)
    machine.confirming_cut_off()
    assert last(machine)[0] == "back"
    assert secret.read_text() == "old"
