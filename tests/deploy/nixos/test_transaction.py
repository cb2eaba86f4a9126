"""What a change meets on a machine of NixOS: each way ends in one system, whole, and says in a sentence why."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.nixos.machine import NixOS, last, needs_setsid

pytestmark = needs_setsid

FULL = Path("/dev/full")


def switched(machine: NixOS, system: Path, meanwhile: Callable[[], object]) -> Any:
    """What a switch says, while something happens on the machine again and again."""
    machine.receive(2, system)
    said: list[Any] = []
    switching = threading.Thread(target=lambda: said.append(machine.switch(2)))
    switching.start()
    machine.until("installing")
    while switching.is_alive():
        meanwhile()
        switching.join(0.05)
    return said[0]


class TestUnits:
    """Haraka's and Caddy's start is repeated without an end, so that systemd never says that they failed."""

    LOOPS = 'echo haraka-in.service >"$MAILNIX_ROOT/anew"'

    def test_one_that_is_started_again_and_again_takes_it_back_by_name(self, machine: NixOS) -> None:
        machine.system("first", test='rm -f "$MAILNIX_ROOT/anew"')
        machine.receive(2, machine.system("second", test=f"{self.LOOPS}; exit 4"))
        assert machine.switch(2) == (1, "generations: taken back: haraka-in.service: failed")
        assert machine.runs == ("first", "first")

    def test_one_whose_second_start_succeeds_is_well(self, machine: NixOS) -> None:
        (machine.root / "heals").touch()
        machine.receive(2, machine.system("second", test=f"{self.LOOPS}; exit 4"))
        assert machine.switch(2) == {"step": "installed", "within": 180}

    def test_one_that_was_before_is_no_reason(self, machine: NixOS) -> None:
        (machine.root / "anew").write_text("haraka-in.service\n")
        machine.receive(2, machine.system("second", test="exit 4"))
        assert machine.switch(2) == {"step": "installed", "within": 180}


def test_an_activation_that_never_ends_is_ended_and_taken_back(machine: NixOS) -> None:
    """switch-to-configuration waits for a unit that starts for ever: whoever it locked out would wait as long."""
    system = machine.system("second", before_test="exec /bin/sleep 45")

    def ends() -> None:
        machine.ends_what_is_bounded()
        machine.look()

    said = switched(machine, system, ends)
    assert said == (1, "generations: taken back: what installed it was killed, or hung for 30 minutes")
    assert machine.runs == ("first", "first")


def test_what_was_there_is_activated_again_where_that_failed_though_it_is_called_running(machine: NixOS) -> None:
    """What stopped units was ended before it changed /run/current-system."""
    once = '[ -e "$MAILNIX_ROOT/once" ] || { touch "$MAILNIX_ROOT/once"; exit 1; }'
    machine.system("first", before_test=once)
    said = switched(machine, machine.system("second", before_test="exit 1"), machine.look)
    assert said[0] == 1
    assert [line.partition("-")[2] for line in machine.log if line.endswith("first test")] == ["first test"] * 2
    assert machine.runs == ("first", "first")


@pytest.mark.parametrize(
    ("status", "why"),
    [(100, "only a restart brings it"), (1, "switch-to-configuration ended with 1: Pre-switch checks failed")],
)
def test_why_it_could_not_be_activated_is_said_in_its_words(machine: NixOS, status: int, why: str) -> None:
    fails = f"echo Pre-switch checks failed >&2; exit {status}"
    machine.receive(2, machine.system("second", before_test=fails))
    assert machine.switch(2)[1].startswith(f"generations: taken back: {why}")
    assert machine.runs == ("first", "first")


class TestByHand:
    """Somebody's nixos-rebuild, or system.autoUpgrade, while a change waits."""

    def test_what_was_switched_to_stays_when_nobody_confirms(self, machine: NixOS) -> None:
        (machine.root / "etc/passwd").write_text("root\n")
        machine.receive(2, machine.system("second"), haraka_internalcmd="new")
        machine.switch(2)
        machine.by_hand(2, "third")
        (machine.root / "etc/passwd").write_text("theirs\n")
        machine.time_passes()
        machine.look()
        assert machine.runs == ("third", "third")
        assert (machine.root / "etc/passwd").read_text() == "theirs\n"
        assert last(machine)[1].endswith("another system was activated by other means meanwhile, and stays")
        assert not [*(machine.root / "etc/credstore").iterdir()]

    def test_what_was_switched_to_is_not_confirmed_in_the_place_of_another(self, machine: NixOS) -> None:
        machine.receive(2, machine.system("second"))
        machine.switch(2)
        machine.by_hand(2, "third")
        assert "it does not run any more" in machine.call("confirm", "2", "--id", "a1")[1]
        assert machine.runs == ("third", "third")
        assert not (machine.root / "boots").exists()

    def test_what_is_confirmed_becomes_the_default_though_its_number_is_taken(self, machine: NixOS) -> None:
        machine.receive(2, machine.system("second"))
        machine.switch(2)
        machine.by_hand(2, "third", activates=False)
        assert machine.call("confirm", "2", "--id", "a1") == {"current": 3}
        assert machine.runs == ("second", "second")
        assert machine.call("status")["generations"][-1]["by"] == "alice@laptop"

    def test_a_number_that_is_taken_before_the_switch_is_no_other_system(self, machine: NixOS) -> None:
        machine.receive(2, machine.system("second"))
        machine.by_hand(2, "third")
        taken = "generations: somebody has made a generation 2 by other means meanwhile: begin again"
        assert machine.switch(2) == (1, taken)
        assert machine.runs == ("third", "third")
        assert "packages" in machine.receive(3, machine.system("second"))

    def test_one_that_is_at_work_is_waited_for_and_wins(self, machine: NixOS) -> None:
        (machine.root / "run/nixos").mkdir()
        with (machine.root / "run/nixos/switch-to-configuration.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)

            def switches() -> None:
                if machine.runs[0] != "third":
                    assert not [line for line in machine.log if line.endswith("test")]
                    machine.by_hand(2, "third")
                    fcntl.flock(held, fcntl.LOCK_UN)

            said = switched(machine, machine.system("second"), switches)
        assert said[1].startswith("generations: taken back: another system has become the default meanwhile")
        assert machine.runs == ("third", "third")


class TestAccounts:
    """users.mutableUsers = false removes whom the system does not name, and every password that it does not have."""

    REMOVES = 'echo root:x:0: >"$MAILNIX_ROOT/etc/passwd"; echo root:!: >"$MAILNIX_ROOT/etc/shadow"'

    def theirs(self, machine: NixOS) -> dict[str, str]:
        return {name: (machine.root / "etc" / name).read_text() for name in ("passwd", "shadow")}

    @pytest.fixture
    def before(self, machine: NixOS) -> dict[str, str]:
        (machine.root / "etc/passwd").write_text("root:x:0:\neve:x:1000:\n")
        (machine.root / "etc/shadow").write_text("root:$6$word:\neve:$6$word:\n")
        before = self.theirs(machine)
        machine.receive(2, machine.system("second", test=self.REMOVES))
        machine.switch(2)
        assert self.theirs(machine) != before
        return before

    def test_come_back_with_the_former_system(self, machine: NixOS, before: dict[str, str]) -> None:
        machine.call("back")
        assert self.theirs(machine) == before
        assert not [*machine.root.glob("var/lib/mailnix/generations/accounts*")]

    @pytest.mark.parametrize("how", [NixOS.starts, lambda machine: machine.call("status")], ids=["boot", "status"])
    def test_come_back_after_a_power_cut(
        self, machine: NixOS, before: dict[str, str], how: Callable[[NixOS], object]
    ) -> None:
        machine.power_cut()
        how(machine)
        assert self.theirs(machine) == before

    def test_that_were_made_since_a_power_cut_stay(self, machine: NixOS, before: dict[str, str]) -> None:
        machine.power_cut()
        booted = machine.root / "run/booted-system"
        booted.symlink_to(machine.system("first"))
        (machine.root / "etc/passwd").write_text("root:x:0:\nmallory:x:1001:\n")
        os.utime(booted, (0, 0), follow_symlinks=False)
        machine.call("status")
        assert "mallory" in self.theirs(machine)["passwd"]
        assert self.theirs(machine) != before

    def test_are_the_new_ones_once_it_is_confirmed(self, machine: NixOS, before: dict[str, str]) -> None:
        machine.call("confirm", "2", "--id", "a1")
        machine.power_cut()
        machine.starts()
        assert self.theirs(machine)["passwd"] == "root:x:0:\n" != before["passwd"]
        assert not [*machine.root.glob("var/lib/mailnix/generations/accounts*")]


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full (full(4))")
@pytest.mark.parametrize("place", ["var/lib/mailnix/generations/tried.new", "run/mailnix-generations/state.new"])
def test_a_full_disk_is_said_and_nothing_is_changed(machine: NixOS, place: str) -> None:
    machine.receive(2, machine.system("second"))
    (machine.root / place).parent.mkdir(parents=True, exist_ok=True)
    (machine.root / place).symlink_to(FULL)
    status, said = machine.switch(2)
    machine.look()
    assert status
    assert said.splitlines()[-1].startswith("generations: ")
    assert "full" in said.splitlines()[-1]
    assert machine.runs == ("first", "first")
    assert not [line for line in machine.log if line.endswith("test")]


class TestTwoTerminalsOfOnePerson:
    """A number is nobody's before it has run: what the first one brought, the second one's has replaced."""

    @pytest.fixture
    def claims(self, machine: NixOS) -> list[str]:
        return [machine.receive(2, machine.system(called))["claim"] for called in ("second", "third")]

    def test_the_first_does_not_switch_to_what_the_second_brought(self, machine: NixOS, claims: list[str]) -> None:
        told = "generations: another deploy (alice@laptop) has brought its own generation 2 meanwhile: begin again"
        assert machine.switch(2, claim=claims[0]) == (4, told)
        assert machine.runs == ("first", "first")

    def test_the_second_does(self, machine: NixOS, claims: list[str]) -> None:
        assert machine.switch(2, claim=claims[1])["step"] == "installed"
        machine.call("confirm", "2", "--id", "a1")
        assert machine.runs == ("third", "third")

    def test_nor_does_it_show_or_forget_it(self, machine: NixOS, claims: list[str]) -> None:
        assert machine.call("plan", "2", "--claim", claims[0])[0] == 4
        machine.call("forget", "2", "--claim", claims[0])
        assert machine.switch(2, claim=claims[1])["step"] == "installed"

    def test_nor_takes_it_for_its_own_once_it_runs(self, machine: NixOS, claims: list[str]) -> None:
        machine.switch(2, claim=claims[1])
        machine.call("confirm", "2", "--id", "a1")
        assert machine.switch(2, "b2", claim=claims[0])[0] == 4

    def test_nobody_goes_to_it_by_its_number_alone(self, machine: NixOS, claims: list[str]) -> None:
        assert machine.call("switch", "2", "--within", "180", "--id", "a1")[0] == 1
        assert machine.runs == ("first", "first")
