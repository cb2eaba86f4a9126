"""What is told to a machine of NixOS: each way ends in the system that was, or in the one that was confirmed, whole."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from mailnix.deploy.nixos.program import PROGRAM
from mailnix.secrets import tar
from mailnix.services.generations.names import RUN, STATE
from tests.deploy.nixos.machine import NixOS, installed, last, needs_setsid

pytestmark = needs_setsid


def test_a_machine_tells_what_it_runs(machine: NixOS) -> None:
    said = machine.call("status")
    assert (said["host"], said["current"], said["pending"], said["last"]) == ("proxy", 1, None, None)
    assert said["generations"] == [{"generation": 1, "host": "", "digest": ""}]
    assert said["drift"] == []


def test_nothing_is_upgraded_beside_its_system_and_another_kernel_wants_a_restart(machine: NixOS) -> None:
    assert machine.call("upgrades") == {"packages": [], "reboot": ""}
    booted = machine.root / "run/booted-system"
    for folder in (booted, (machine.root / "run/current-system").resolve()):
        folder.mkdir(exist_ok=True)
        (folder / "kernel").touch()
    assert machine.call("upgrades")["reboot"] == "it runs another kernel than its system has"


def test_one_that_is_not_ours_has_no_generation_yet_and_keeps_the_numbers_of_its_own(tmp_path: Path) -> None:
    said = NixOS.fresh(tmp_path / "root", ours=False).call("status")
    assert (said["current"], [each["generation"] for each in said["generations"]]) == (None, [1])


def test_what_is_confirmed_becomes_the_default(machine: NixOS) -> None:
    installed(machine)
    assert machine.runs == ("second", "first")
    assert machine.call("confirm", "2", "--id", "a1") == {"current": 2}
    assert machine.runs == ("second", "second")
    assert [line.partition("-")[2] for line in machine.log if "-run" not in line] == ["second test", "second boot"]
    said = machine.call("status")
    assert (said["current"], said["previous"], said["pending"]) == (2, 1, None)
    assert said["generations"][1]["by"] == "alice@laptop"
    assert last(machine) == ("confirmed", "")
    machine.until_unwatched()


def test_the_timer_is_there_before_anything_is_installed(machine: NixOS) -> None:
    installed(machine)
    begun = [line for line in machine.log if "systemd-run" in line or line.endswith("test")]
    assert begun[0] == "systemd-run mailnix-generations-a1"
    assert begun[-1].endswith("second test")


def test_to_confirm_twice_is_no_harm_and_by_another_name_refused(machine: NixOS) -> None:
    installed(machine)
    assert machine.call("confirm", "2", "--id", "b2")[0] == 1
    machine.call("confirm", "2", "--id", "a1")
    assert machine.call("confirm", "2", "--id", "a1") == {"current": 2}
    assert machine.call("confirm", "2", "--id", "b2")[0] == 1


def test_what_nobody_confirms_goes_back(machine: NixOS) -> None:
    installed(machine)
    machine.look()
    assert machine.runs == ("second", "first")
    machine.time_passes()
    machine.look()
    assert machine.runs == ("first", "first")
    assert last(machine) == ("back", "nobody confirmed it in time")
    assert machine.call("confirm", "2", "--id", "a1")[0] == 1
    machine.until_unwatched()


def test_more_time_is_given_to_whoever_asks_by_name(machine: NixOS) -> None:
    installed(machine)
    machine.time_passes()
    assert machine.call("extend", "2", "--within", "180", "--id", "a1") == {"left": 180}
    machine.look()
    assert machine.runs == ("second", "first")


def test_what_nobody_switches_to_is_forgotten(machine: NixOS) -> None:
    machine.receive(2, machine.system("second"), haraka_internalcmd="new")
    kept_for_it = machine.root / "nix/var/nix/gcroots/mailnix-generations"
    assert machine.call("forget", "3") == {}
    assert [*machine.root.glob("run/**/haraka.internalcmd")]
    assert kept_for_it.is_symlink()
    assert machine.call("forget", "2") == {}
    assert not [*machine.root.glob("run/**/haraka.internalcmd")]
    assert not [*machine.root.glob("run/**/made.json")]
    assert not kept_for_it.is_symlink()


def test_somebody_takes_it_back(machine: NixOS) -> None:
    installed(machine)
    assert machine.call("back", "--id", "b2")[0] == 1
    assert machine.call("back") == {"current": 1}
    assert machine.runs == ("first", "first")
    assert machine.call("back") == {"current": 1}


def test_another_one_is_told_to_wait(machine: NixOS) -> None:
    installed(machine)
    assert machine.switch(2, "b2")[0] == 4
    assert machine.receive(2, machine.system("third"))[0] == 4
    pending = machine.call("status")["pending"]
    assert (pending["id"], pending["to"], pending["step"]) == ("a1", 2, "installed")
    assert 0 < pending["left"] <= 180
    assert machine.call("status")["generations"][-1]["by"] == "alice@laptop"


def test_what_one_has_brought_another_does_not_replace_at_once(machine: NixOS) -> None:
    machine.receive(2, machine.system("second"))
    busy = (4, "generations: alice@laptop brings a generation just now")
    assert machine.receive(2, machine.system("third"), by="bob@desk") == busy
    for path in machine.root.glob("run/mailnix-generations/brought/*"):
        os.utime(path, (0, 0))  # as if the clock had been set
    assert machine.receive(2, machine.system("third"), by="bob@desk") == busy
    assert "packages" in machine.receive(2, machine.system("third"))


def test_no_time_is_told_by_a_clock_that_is_set() -> None:
    assert not re.search(r"\bdate\b|OnCalendar|--on-calendar", PROGRAM[-1])
    assert "--on-active=" in PROGRAM[-1]


def test_back_to_a_generation_that_is_kept(machine: NixOS) -> None:
    installed(machine)
    machine.call("confirm", "2", "--id", "a1")
    machine.receive(3, machine.system("third"), haraka_internalcmd="of another's")
    assert machine.switch(1, "c3") == {"step": "installed", "within": 180}
    assert machine.call("confirm", "1", "--id", "c3") == {"current": 1}
    assert machine.runs == ("first", "first")
    assert not [*(machine.root / "etc/credstore").iterdir()]
    assert [each["generation"] for each in machine.call("status")["generations"]] == [1, 2]
    assert machine.switch(9, "d4") == (1, "generations: this machine keeps no generation 9")


def test_what_was_done_to_units_is_told_while_it_waits(machine: NixOS) -> None:
    did = (
        "stopping the following units: a.service\nNOT restarting the following changed units: x.service\n"
        "reloading the following units: dbus.service\nrestarting the following units: b.service, c.socket\n"
        "starting the following units: a.service\n"
    )
    machine.receive(2, machine.system("second", test=f"printf '{did}' >&2"))
    machine.switch(2)
    assert machine.call("status")["pending"]["units"] == [
        ["a.service", "stop"], ["dbus.service", "reload"], ["b.service", "restart"], ["c.socket", "restart"],
        ["a.service", "start"],
    ]  # fmt: skip


def test_those_that_ran_are_those_that_nixos_keeps(machine: NixOS) -> None:
    installed(machine)
    assert machine.call("status")["ran"] == [1]
    machine.call("confirm", "2", "--id", "a1")
    assert machine.call("status")["ran"] == [1, 2]


def test_what_would_change_is_shown(machine: NixOS) -> None:
    would = "would stop the following units: a.service\nwould restart the following units: b.service, c.socket\n"
    (machine.root / "closures").write_text(
        "caddy: 2.6.2 → 2.10.0, +3.0 KiB\nhtop: ∅ → 3.4, +9.1 KiB\nnano: 8.0 → ∅, -1.2 MiB\nlinux: +3.1 KiB\n"
        "tmux: 3.5 added, +1.0 MiB\n"
    )
    machine.receive(2, machine.system("second", dry_activate=f"printf '{would}'"))
    said = machine.call("plan", "2", *machine.claim(2))
    assert said["units"] == [["a.service", "stop"], ["b.service", "restart"], ["c.socket", "restart"]]
    assert said["packages"] == {
        "new": [["htop", "3.4"], ["tmux", "3.5"]],
        "upgrade": [["caddy", "2.6.2", "2.10.0"]],
        "remove": [["nano", "8.0"]],
    }
    assert machine.runs == ("first", "first")


def test_what_somebody_tries_by_hand_is_seen(machine: NixOS) -> None:
    current = machine.root / "run/current-system"
    current.unlink()
    current.symlink_to(machine.system("by-hand"))
    assert machine.call("status")["drift"] == ["/run/current-system"]


def test_a_system_for_other_disks_is_refused(machine: NixOS) -> None:
    table = "# made\n/dev/disk/by-label/nixos / ext4 defaults 0 1\n/dev/sdz /x ext4 nofail 0 2\n"
    system = machine.system("second")
    (system / "etc").mkdir()
    (system / "etc/fstab").write_text(table)
    said = "generations: it has no /dev/disk/by-label/nixos for /: say in local/ what disks there are"
    assert machine.receive(2, system) == (1, said)


@pytest.mark.parametrize("name", ["etc/passwd", "credentials/a b", "credentials/deeper/x"])
def test_what_belongs_to_no_generation_is_refused(machine: NixOS, name: str) -> None:
    files = {"made.json": json.dumps({"generation": 2}).encode(), name: b"x"}
    status, said = machine.call("receive", "2", stdin=tar(files))
    assert status == 1
    assert "belongs to no generation" in said


def test_what_is_cut_off_is_refused(machine: NixOS) -> None:
    assert machine.call("receive", "2", stdin=b"no tar")[1] == "generations: what came is no whole tar: send it again"


def test_another_number_than_the_next_is_refused(machine: NixOS) -> None:
    assert machine.receive(3, machine.system("second"))[0] == 1


@pytest.mark.parametrize("words", [["explode"], ["plan", "1;reboot"], ["confirm", "1", "--id", "$(reboot)"]])
def test_other_words_are_wrong_usage(machine: NixOS, words: list[str]) -> None:
    assert machine.call(*words)[0] == 2


def test_it_keeps_things_where_others_look_for_them() -> None:
    assert f"run=$root{RUN}\n" in PROGRAM[-1]
    assert f"kept=$root{STATE}\n" in PROGRAM[-1]
