"""What is told to a machine of NixOS: each way ends in the system that was, or in the one that was confirmed, whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from pathlib import Path

import pytest

from mailnix.deploy.nixos.program import PROGRAM
from mailnix.secrets import tar
from mailnix.services.generations.names import RUN, STATE
from tests.deploy.nixos.machine import NixOS

pytestmark = pytest.mark.skipif(shutil.which("setsid") is None, reason="setsid (util-linux) is not installed")

CUT = 'touch "$MAILNIX_ROOT/killed"; kill -9 "-$(cat "$MAILNIX_ROOT"/units/*-finish.service)"'
"""In a system's texts: what finishes the change ends here, and the power with it."""


def last(machine: NixOS) -> tuple[str, str]:
    said = machine.call("status")["last"]
    return said["end"], said["why"]


def installed(machine: NixOS, **credentials: str) -> None:
    machine.receive(2, machine.system("second"), **credentials)
    assert machine.switch(2) == {"step": "installed", "within": 180}


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


def test_a_power_cut_just_before_the_boot_loader_is_written_leaves_what_was_there(machine: NixOS) -> None:
    (machine.root / "boots").write_text(machine.system("first").name)
    store = machine.root / "etc/credstore"
    (store / "haraka.internalcmd").write_text("old")
    machine.receive(2, machine.system("second", before_boot=CUT), haraka_internalcmd="new", haraka_other="new")
    machine.switch(2)
    machine.confirming_cut_off()
    assert last(machine) == ("back", "the machine started anew meanwhile")
    assert machine.runs == ("first", "first")
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "old"}


def test_credentials_are_back_at_the_boot_after_before_anybody_asks(machine: NixOS) -> None:
    (machine.root / "boots").write_text(machine.system("first").name)
    store = machine.root / "etc/credstore"
    (store / "haraka.internalcmd").write_text("old")
    machine.receive(2, machine.system("second", before_boot=CUT), haraka_internalcmd="new", haraka_other="new")
    machine.switch(2)
    machine.confirming_cut_off()
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


def test_credentials_go_with_the_system_and_come_back_with_the_former_one(machine: NixOS) -> None:
    store = machine.root / "etc/credstore"
    (store / "haraka.internalcmd").write_text("old")
    unit = machine.root / "etc/systemd/system/haraka-in.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nLoadCredential=haraka.internalcmd\n")
    installed(machine, haraka_internalcmd="new", network_wireguard_private_wg0="key")
    assert (store / "haraka.internalcmd").read_text() == "new"
    assert (store / "haraka.internalcmd").stat().st_mode & 0o777 == 0o600
    assert "ip link delete wg0" in machine.log
    assert "systemctl try-restart systemd-networkd.service" in machine.log
    assert "systemctl try-restart --no-block haraka-in.service" in machine.log
    machine.call("back")
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "old"}


def test_credentials_that_are_confirmed_stay(machine: NixOS) -> None:
    installed(machine, haraka_internalcmd="new")
    machine.call("confirm", "2", "--id", "a1")
    machine.power_cut()
    store = machine.root / "etc/credstore"
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "new"}
    same, other = (tar({"credentials/haraka.internalcmd": data}) for data in (b"new", b"other"))
    assert machine.call("compare", stdin=same) == {"credentials": []}
    assert machine.call("compare", stdin=other) == {"credentials": ["haraka.internalcmd"]}


def test_credentials_alone_make_no_new_number(machine: NixOS) -> None:
    machine.receive(2, machine.system("first"), haraka_internalcmd="new")
    machine.switch(2)
    machine.call("confirm", "2", "--id", "a1")
    said = machine.call("status")
    assert (said["current"], [each["generation"] for each in said["generations"]]) == (1, [1])
    assert said["generations"][0]["by"] == "alice@laptop"


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
