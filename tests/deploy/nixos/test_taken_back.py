"""What fails on a machine, or is killed, takes the change back, and says why."""

from __future__ import annotations

import threading

import pytest

from tests.deploy.nixos.machine import NixOS, installed, last, needs_setsid

pytestmark = needs_setsid


def test_a_disk_that_fills_up_at_the_end_takes_it_back(machine: NixOS) -> None:
    secret = machine.root / "etc/credstore/haraka.internalcmd"
    secret.write_text("old")
    installed(machine, haraka_internalcmd="new")
    (machine.root / "nix-env-fails").touch()
    said = machine.call("confirm", "2", "--id", "a1")[1]
    assert said.endswith("it could not be made the default: is the disk full?")
    assert machine.runs == ("first", "first")
    assert secret.read_text() == "old"
    machine.until_unwatched()


def test_what_is_killed_at_the_end_each_time_is_taken_back(machine: NixOS) -> None:
    killed = 'kill -9 "-$(cat "$MAILNIX_ROOT"/units/*-finish.service)"'
    machine.receive(2, machine.system("second", before_boot=killed))
    machine.switch(2)
    said: list[object] = []
    confirming = threading.Thread(target=lambda: said.append(machine.call("confirm", "2", "--id", "a1")))
    confirming.start()
    while confirming.is_alive():
        machine.look()
        confirming.join(0.05)
    assert "often enough" in str(said)
    assert machine.runs == ("first", "first")


def test_a_unit_that_fails_takes_it_back_by_name(machine: NixOS) -> None:
    machine.system("first", test=': >"$MAILNIX_ROOT/failed"')
    machine.receive(2, machine.system("second", test='echo haraka-in.service >"$MAILNIX_ROOT/failed"; exit 4'))
    assert machine.switch(2) == (1, "generations: taken back: haraka-in.service: failed")
    assert machine.runs == ("first", "first")


@pytest.mark.parametrize("then", ["", "haraka-in.service\n"])
def test_a_unit_that_was_stopped_while_it_started_has_its_next_start_to_show(machine: NixOS, then: str) -> None:
    (machine.root / "queued").write_text("haraka-in.service\n" * 3)  # a line for each look
    (machine.root / "then").write_text(then)
    machine.system("first", test=': >"$MAILNIX_ROOT/failed"')
    machine.receive(2, machine.system("second", test='echo haraka-in.service >"$MAILNIX_ROOT/failed"; exit 4'))
    said = machine.switch(2)
    assert (said == (1, "generations: taken back: haraka-in.service: failed")) is bool(then), said
    assert machine.runs == ("first" if then else "second", "first")


def test_a_unit_that_had_failed_before_is_no_reason(machine: NixOS) -> None:
    (machine.root / "failed").write_text("backup.service\n")
    machine.system("second", test="exit 4")
    installed(machine)


def test_an_activation_that_fails_takes_it_back(machine: NixOS) -> None:
    machine.receive(2, machine.system("second", before_test="echo no, said it; exit 2"))
    assert machine.switch(2) == (1, "generations: taken back: switch-to-configuration ended with 2: no, said it")
    assert machine.runs == ("first", "first")


def test_what_installs_is_killed_in_the_middle(machine: NixOS) -> None:
    killed = 'kill -9 "-$(cat "$MAILNIX_ROOT"/units/*-install.service)"'
    machine.receive(2, machine.system("second", before_test=killed))
    said: list[object] = []
    waiting = threading.Thread(target=lambda: said.append(machine.switch(2)))
    waiting.start()
    machine.until("installing")
    while waiting.is_alive():
        machine.look()
        waiting.join(0.05)
    assert said == [(1, "generations: taken back: what installed it was killed, or hung for 30 minutes")]
    assert machine.runs == ("first", "first")


def test_a_system_that_does_not_come_back_at_once_is_tried_again(machine: NixOS) -> None:
    installed(machine)
    machine.system("first", before_test='[ -e "$MAILNIX_ROOT/once" ] || { touch "$MAILNIX_ROOT/once"; exit 1; }')
    machine.time_passes()
    machine.look()
    assert machine.call("status")["pending"]["step"] == "back"
    machine.look()
    assert machine.runs == ("first", "first")
    assert last(machine) == ("back", "nobody confirmed it in time")


def test_a_boot_loader_that_cannot_be_written_takes_it_back(machine: NixOS) -> None:
    machine.receive(2, machine.system("second", before_boot="exit 1"))
    machine.switch(2)
    assert machine.call("confirm", "2", "--id", "a1")[1].endswith("its boot loader could not be written")
    assert machine.runs == ("first", "first")
    assert (machine.root / "boots").read_text().endswith("first\n")
