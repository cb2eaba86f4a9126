"""The script that finds the card that leads out, among real cards: veth pairs in a network namespace.

A cable is plugged in where the pair's other end is up.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.run import Completed, run
from mailnix.services.network.render import CARDS, chooser

NAMESPACE = ["unshare", "--net", "--mount"]
STAND_INS = {"udevadm": "exit 0", "sleep": "exit 0"}


def missing() -> str:
    made = run(
        [*NAMESPACE, "sh", "-c", "mount -t sysfs sysfs /sys && ip link add ens3 type veth peer name p"], check=False
    )
    return "" if made.status == 0 else "no namespaces with network cards here"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")


@frozen
class Machine:
    """A machine with these cards, in the order in which its kernel finds them."""

    root: Path
    cards: tuple[str, ...]
    plugged: tuple[str, ...] = ()
    more: str = ""
    udevadm: str = STAND_INS["udevadm"]

    def boots(self, wanted: str) -> Completed:
        script, folder = self.root / "choose-card", self.root / "dropins"
        script.write_text(chooser())
        for name, text in {**STAND_INS, "udevadm": self.udevadm}.items():
            (self.root / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.root / name).chmod(0o755)
        lines = ["mount -t sysfs sysfs /sys"]
        for number, card in enumerate(self.cards):
            address = f"52:54:00:00:00:{number:02x}"
            lines.append(f"ip link add {card} address {address} type veth peer name far{number}")
            if card in self.plugged:
                lines.append(f"ip link set far{number} up")
        lines += [self.more, f"exec sh {script} {folder} {wanted}"]
        env = {"PATH": f"{self.root}:{os.environ['PATH']}:/usr/sbin:/sbin"}
        return run([*NAMESPACE, "sh", "-ec", "\n".join(lines)], env=env, check=False, timeout=60)

    @property
    def chosen(self) -> str | None:
        path = self.root / "dropins/card.conf"
        if not path.exists():
            return None
        head, start, name = path.read_text().splitlines()
        assert (head, start) == ("[Match]", "Name=")  # what the file itself says is taken back
        return name.removeprefix("Name=")


def test_the_only_card_is_taken_without_a_word(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ("ens3",))
    assert machine.boots(CARDS).stdout == ""
    assert machine.chosen == "ens3"


def test_a_card_that_udev_is_slow_to_rename_is_taken_by_its_last_name(tmp_path: Path) -> None:
    """A busy host's udev needs longer than a minute; until then a card has the kernel's name for it."""
    calls = tmp_path / "calls"
    slow = f'echo >>{calls}; [ "$(wc -l <{calls})" -gt 4 ] || exit 1; ip link set dev eth0 name ens4'
    machine = Machine(tmp_path, ("eth0",), udevadm=slow)
    machine.boots(CARDS)
    assert machine.chosen == "ens4"


def test_a_udev_that_never_ends_holds_a_boot_up_for_less_than_the_unit_may_take(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    machine = Machine(tmp_path, ("eth0",), udevadm=f'echo "$*" >>{calls}; exit 1')
    machine.boots(CARDS)
    waited = sum(int(line.rpartition("=")[2]) for line in calls.read_text().splitlines())
    assert waited < 600  # TimeoutStartSec=10min
    assert machine.chosen == "eth0"


def test_of_two_cards_with_cables_the_first_leads_out_and_the_console_says_how_to_name_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ("ens10", "ens3"), plugged=("ens3", "ens10"))
    said = machine.boots(CARDS).stdout
    assert machine.chosen == "ens10"
    assert (
        "this machine has 2 network cards and its description names none: ens10 (52:54:00:00:00:00) leads out" in said
    )
    assert 'write card="52:54:00:00:00:00"; all cards: ens10 (52:54:00:00:00:00), ens3 (52:54:00:00:00:01)' in said


def test_a_card_with_a_cable_goes_before_one_without(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ("eth0", "eth1"), plugged=("eth1",))
    machine.boots(CARDS)
    assert machine.chosen == "eth1"


def test_without_any_cable_the_first_card_is_taken_so_that_an_address_is_on_one_only(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ("eth0", "eth1"))
    assert machine.boots(CARDS).status == 0
    assert machine.chosen == "eth0"


def test_what_is_no_wired_card_is_never_chosen(tmp_path: Path) -> None:
    """A bridge's port is not, and neither is what has another kind of name."""
    bridged = "ip link add br0 type bridge; ip link set eth0 master br0"
    machine = Machine(tmp_path, ("wg0", "docker0", "eth0", "eth1"), plugged=("wg0", "eth0"), more=bridged)
    machine.boots(CARDS)
    assert machine.chosen == "eth1"


@pytest.mark.parametrize("card", ["ens4", "52:54:00:00:00:01", "enp0s4"])
def test_a_card_that_the_description_names_is_left_to_networkd(tmp_path: Path, card: str) -> None:
    """By the name in use, the MAC, or another of its names."""
    machine = Machine(tmp_path, ("ens3", "ens4"), more="ip link property add dev ens4 altname enp0s4")
    done = machine.boots(card)
    assert (done.status, done.stdout, machine.chosen) == (0, "", None)


def test_a_description_that_names_the_card_takes_back_what_was_chosen_before(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ("ens3", "ens4"))
    machine.boots(CARDS)
    assert machine.chosen == "ens3"
    machine.boots("ens4")
    assert machine.chosen is None


def test_a_described_card_that_is_not_there_is_a_failure_that_names_those_that_are(tmp_path: Path) -> None:
    done = Machine(tmp_path, ("ens3", "ens4")).boots("eth0")
    assert done.status == 1
    assert "the network card eth0 of the description is not here" in done.stdout
    assert "there is ens3 (52:54:00:00:00:00), ens4 (52:54:00:00:00:01)" in done.stdout


@pytest.mark.parametrize("card", ["br0", "bond0", "eth0.7"])
def test_a_described_card_that_networkd_makes_is_not_waited_for(tmp_path: Path, card: str) -> None:
    """networkd starts after this script: on NixOS, `networking.bridges` and its like are .netdev files."""
    folder = "/run/systemd/network"
    netdev = (
        f"mount -t tmpfs tmpfs /run; mkdir -p {folder}; printf '[NetDev]\\nName={card}\\n' >{folder}/40-{card}.netdev"
    )
    machine = Machine(tmp_path, ("ens3",), more=netdev)
    done = machine.boots(card)
    assert (done.status, done.stdout, machine.chosen) == (0, "", None)
    assert Machine(tmp_path, ("ens3",), more=netdev).boots("br").status == 1


def test_a_described_card_may_be_of_any_kind(tmp_path: Path) -> None:
    """Wi-Fi that an owner of NixOS has set up, for example; here a bridge's port, which patterns never mean."""
    bridged = "ip link add br0 type bridge; ip link set wlp3s0 master br0"
    done = Machine(tmp_path, ("ens3", "wlp3s0"), more=bridged).boots("wlp3s0")
    assert (done.status, done.stdout) == (0, "")


def test_a_machine_without_a_wired_card_says_that_it_needs_a_cable(tmp_path: Path) -> None:
    done = Machine(tmp_path, ("wlp3s0",)).boots(CARDS)
    assert done.status == 1
    assert "there is no wired network card; this machine needs a cable, and does not speak Wi-Fi" in done.stdout
