"""Debian's packages: which are newer in its archive, their upgrade by a unit of systemd's, restarts that are due."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailnix.services.generations.guest import verbs
from mailnix.services.generations.guest.upgrading import UNIT, reboot, upgrade, upgrades
from mailnix.services.generations.guest.world import Busy, Done, Refused
from tests.services.generations.scratch import Scratch

SIMULATED = """\
Reading package lists...
Inst linux-image-6.12.57+deb13-amd64 (6.12.57-1 Debian:13.2/stable [amd64])
Inst openssl [3.5.1-1+deb13u1] (3.5.4-1~deb13u1 Debian:13.2/stable, Debian-Security:13/stable-security [amd64]) []
Inst libssl3t64 [3.5.1-1] (3.5.4-1~deb13u1 Debian-Security:13/stable-security [amd64])
Inst base-files [13.8] (13.8+deb13u2 Debian:13.2/stable [amd64])
Conf base-files (13.8+deb13u2 Debian:13.2/stable [amd64])
"""
EXPECTED = [
    ["linux-image-6.12.57+deb13-amd64", "", "6.12.57-1", False],
    ["openssl", "3.5.1-1+deb13u1", "3.5.4-1~deb13u1", True],
    ["libssl3t64", "3.5.1-1", "3.5.4-1~deb13u1", True],
    ["base-files", "13.8", "13.8+deb13u2", False],
]


class Archive(Scratch):
    """A machine whose apt has something newer; `unit` is the state of the unit that upgrades."""

    simulated = SIMULATED
    unit = "inactive"
    upgrading = Done(0, "")

    def run(self, argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        match [*argv]:
            case ["systemctl", "is-active", name] if name == UNIT:
                return Done(0, f"{self.unit}\n")
            case ["apt-get", *words] if words[-2:] == ["upgrade", "--simulate"]:
                return Done(0, self.simulated)
            case ["systemd-run", *_]:
                self.ran.append([*argv])
                return self.upgrading
            case ["journalctl", *_]:
                return Done(0, "Setting up openssl\ndpkg: error processing package openssl (--configure):\n")
        return super().run(argv, within=within, offline=offline)


@pytest.fixture
def machine(running: Scratch) -> Archive:
    """One that runs generation 1."""
    return Archive(running.root)


def test_newer_packages_are_listed_and_security_updates_told(machine: Archive) -> None:
    assert upgrades(machine)["packages"] == EXPECTED


def test_where_all_is_as_the_archive_has_it_nothing_is_listed(machine: Archive) -> None:
    machine.simulated = "Reading package lists...\n"
    assert upgrades(machine) == {"packages": [], "reboot": ""}


def test_an_archive_that_does_not_answer_is_no_empty_list(machine: Archive) -> None:
    machine.online = False
    with pytest.raises(Refused, match="Debian's archive does not answer: E: Failed to fetch x"):
        upgrades(machine)


def test_they_are_upgraded_by_a_unit_that_outlives_the_connection(machine: Archive) -> None:
    assert upgrade(machine)["packages"] == EXPECTED
    (words,) = [words for words in machine.ran if words[0] == "systemd-run"]
    assert {"--wait", f"--unit={UNIT}", "--setenv=DEBIAN_FRONTEND=noninteractive", "apt-get"} <= {*words}
    assert words[-1] == "upgrade"
    assert not {"dist-upgrade", "full-upgrade", "--pipe"} & {*words}


def test_what_went_wrong_is_said_in_dpkgs_words(machine: Archive) -> None:
    machine.upgrading = Done(100, "")
    with pytest.raises(Refused, match=r"were not upgraded: dpkg: error processing package openssl"):
        upgrade(machine)


def test_none_begins_while_a_generation_waits_to_be_confirmed(machine: Archive) -> None:
    verbs.switch(machine, 2, 60, "a")
    with pytest.raises(Busy, match="generation 2 waits"):
        upgrade(machine)


def test_nor_while_another_one_is_under_way(machine: Archive) -> None:
    machine.unit = "activating"
    for verb in (upgrades, upgrade):
        with pytest.raises(Busy, match="an upgrade is under way"):
            verb(machine)


def test_generations_of_an_archive_of_ones_own_are_not_upgraded_beside_ours(machine: Archive) -> None:
    machine.simulated = "Inst mailnix-proxy [1] (9 x:1/y [all])\n"
    with pytest.raises(Refused, match="an archive of yours has mailnix-proxy"):
        upgrade(machine)
    assert "systemd-run" not in [words[0] for words in machine.ran]


@pytest.mark.parametrize(
    ("kernels", "now", "expected"),
    [
        ([], "6.1.0", ""),
        (["6.12.9-amd64"], "6.12.9-amd64", ""),
        (["6.12.9-amd64", "6.12.48-amd64"], "6.12.48-amd64", ""),
        (["6.12.9-amd64", "6.12.48-amd64"], "6.12.9-amd64", "it runs Linux 6.12.9-amd64, and has 6.12.48-amd64"),
        (["6.12.48-amd64"], "7.0-of-the-provider", ""),
    ],
)
def test_a_newer_kernel_wants_a_restart(machine: Archive, kernels: Sequence[str], now: str, expected: str) -> None:
    (machine.root / "boot").mkdir()
    for each in kernels:
        (machine.root / f"boot/vmlinuz-{each}").touch()
    assert reboot(machine, now) == expected


def test_so_does_a_package_that_says_so(machine: Archive) -> None:
    (machine.root / "run").mkdir()
    (machine.root / "run/reboot-required").touch()
    assert upgrades(machine)["reboot"] == "a package asks for it"
