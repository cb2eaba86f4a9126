"""The program that follows a change of files, in a folder, with a systemd that notes what it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.debian.package import MASKED
from mailnix.services.activation import names
from mailnix.services.activation.guest import activate as program
from mailnix.services.activation.guest.activate import Machine, activate, commands, leave, netdevs


def listed(files: dict[str, str], read_by: dict[str, dict[str, str]] | None = None, **more: list[str]) -> Any:
    return {"files": files, "read_by": read_by or {}, "wanted": [], "enabled": [], "masked": [], **more}


class Systemd:
    """Notes commands; those that begin with one of `failing` fail."""

    def __init__(self, *failing: str) -> None:
        self.told: list[str] = []
        self.failing = failing

    def __call__(self, words: Sequence[str]) -> int:
        text = " ".join(words)
        self.told.append(text)
        return int(any(text.startswith(each) for each in self.failing))


def machine(root: Path, new: Any, old: Any = None, *failing: str) -> tuple[Machine, Systemd]:
    systemd = Systemd(*failing)
    here = Machine(root, systemd)
    here.write(program.DESCRIBED, json.dumps(new))
    if old is not None:
        here.write(program.ACTIVE, json.dumps(old))
    return here, systemd


def test_program_and_description_agree_on_paths() -> None:
    assert (program.DESCRIBED, program.ACTIVE, program.ENABLED) == (names.LIST, names.ACTIVE, names.ENABLED)
    assert program.KEEP_LEASE == names.KEEP_LEASE


def test_nothing_is_done_where_nothing_changed() -> None:
    same = listed({"/a": "1"}, {"/a": {"a.service": "restart"}}, wanted=["a.service"])
    assert list(commands(same, same)) == []


def test_what_reads_a_changed_file_is_restarted_or_reloaded_and_nothing_else() -> None:
    readers = {"/a": {"a.service": "restart"}, "/b": {"b.service": "reload"}, "/c": {"c.service": "restart"}}
    old = listed({"/a": "1", "/b": "1", "/c": "1"}, readers)
    new = listed({"/a": "2", "/b": "2", "/c": "1"}, readers)
    assert list(commands(old, new)) == [
        ("systemctl", "daemon-reload"),
        ("systemctl", "--no-block", "try-restart", "a.service"),
        ("systemctl", "--no-block", "try-reload-or-restart", "b.service"),
    ]


def test_a_restart_includes_a_reload() -> None:
    readers = {"/a": {"x.service": "restart"}, "/b": {"x.service": "reload"}}
    old, new = listed({"/a": "1", "/b": "1"}, readers), listed({"/a": "2", "/b": "2"}, readers)
    assert [each for each in commands(old, new) if "x.service" in each] == [
        ("systemctl", "--no-block", "try-restart", "x.service")
    ]


def test_a_file_that_is_gone_counts_for_those_who_read_it() -> None:
    old = listed({"/a": "1"}, {"/a": {"a.service": "restart"}})
    assert ("systemctl", "--no-block", "try-restart", "a.service") in [*commands(old, listed({}))]


def test_what_is_wanted_no_more_is_stopped_before_systemd_forgets_its_unit() -> None:
    old = listed({"/u": "1"}, {"/u": {"u.timer": "restart"}}, wanted=["u.timer"])
    done = [*commands(old, listed({}))]
    assert done.index(("systemctl", "stop", "u.timer")) < done.index(("systemctl", "daemon-reload"))
    assert not any("restart" in " ".join(each) for each in done)


def test_the_way_in_is_never_stopped() -> None:
    old = listed({"/u": "1"}, wanted=["ssh.service", "systemd-networkd.service"])
    assert not any(each[1] == "stop" for each in commands(old, listed({})))


def test_what_is_masked_stops_before_our_firewall_is_loaded() -> None:
    """Debian's nftables.service flushes every table when it stops."""
    new = listed({"/r": "1"}, wanted=["mailnix-firewall.service"], masked=["nftables.service"])
    done = [*commands(program.NOTHING, new)]
    masked, firewall = ("systemctl", "stop", "nftables.service"), ("systemctl", "restart", "mailnix-firewall.service")
    assert done.index(masked) < done.index(firewall)


def test_a_tunnel_whose_netdev_changed_is_made_anew() -> None:
    path = "/etc/systemd/network/50-wg0.netdev"
    readers = {path: {"systemd-networkd.service": "reload"}}
    done = [*commands(listed({path: "1"}, readers), listed({path: "2"}, readers))]
    assert done[-2:] == [("ip", "link", "delete", "wg0"), ("systemctl", "restart", "systemd-networkd.service")]


def test_a_network_file_alone_is_a_reload_of_networkd() -> None:
    path = "/etc/systemd/network/20-uplink.network"
    readers = {path: {"systemd-networkd.service": "reload"}}
    assert ("networkctl", "reload") in [*commands(listed({path: "1"}, readers), listed({path: "2"}, readers))]


def test_an_interface_may_have_a_dash_in_its_name() -> None:
    assert netdevs(["/etc/systemd/network/50-wg-proxy.netdev"]) == ["wg-proxy"]


def test_new_units_are_started_without_waiting_for_what_they_wait_for() -> None:
    new = listed({"/u": "1"}, wanted=["haraka-in.service", "mailcow.service"])
    assert [*commands(program.NOTHING, new)][-1] == (
        *("systemctl", "--no-block", "start"),
        *("haraka-in.service", "mailcow.service"),
    )


def test_what_was_activated_is_remembered(tmp_path: Path) -> None:
    new = listed({"/a": "2"}, {"/a": {"a.service": "restart"}})
    here, systemd = machine(tmp_path, new, listed({"/a": "1"}, {}))
    assert activate(here) == []
    assert here.listed(program.ACTIVE) == new
    systemd.told.clear()
    activate(here)
    assert systemd.told == []


def test_what_failed_is_told_and_tried_again(tmp_path: Path) -> None:
    readers = {"/a": {"mailnix-firewall.service": "reload"}}
    here, systemd = machine(tmp_path, listed({"/a": "2"}, readers), listed({"/a": "1"}, readers), "systemctl reload-or")
    assert activate(here) == [("systemctl", "reload-or-restart", "mailnix-firewall.service")]
    systemd.told.clear()
    assert activate(here) != []
    assert systemd.told


READERS = {"/a": {"mailnix-firewall.service": "reload"}, "/b": {"b.service": "restart"}}
BEFORE = listed(
    {"/a": "1", "/b": "1", "/c": "1"}, READERS, wanted=["b.service", "mailnix-firewall.service", "old.timer"]
)
AFTER = listed(
    {"/a": "2", "/b": "2", "/c": "1"}, READERS, wanted=["b.service", "mailnix-firewall.service", "new.timer"]
)


class Died(BaseException):
    """What a power cut is."""


class Mortal(Systemd):
    """Dies when it is told a certain thing."""

    def __call__(self, words: Sequence[str]) -> int:
        super().__call__(words)
        if any(self.told[-1].startswith(each) for each in self.failing):
            raise Died
        return 0


@pytest.mark.parametrize("step", [" ".join(each) for each in commands(BEFORE, AFTER)])
def test_whoever_was_killed_on_the_way_goes_all_the_way_back(step: str, tmp_path: Path) -> None:
    machine(tmp_path, AFTER, BEFORE)
    with pytest.raises(Died):
        activate(Machine(tmp_path, Mortal(step)))
    here, systemd = machine(tmp_path, BEFORE)
    assert activate(here) == []
    assert systemd.told == [
        "systemctl stop new.timer",
        "systemctl daemon-reload",
        "systemctl reset-failed",
        "systemctl reload-or-restart mailnix-firewall.service",
        "systemctl --no-block start old.timer",
        "systemctl --no-block restart b.service",
    ]
    assert here.listed(program.ACTIVE) == BEFORE


def test_what_failed_on_the_way_is_undone_by_the_one_before(tmp_path: Path) -> None:
    here, _ = machine(tmp_path, AFTER, BEFORE, "systemctl reload-or-restart mailnix-firewall")
    assert activate(here) != []
    back, systemd = machine(tmp_path, BEFORE)
    assert activate(back) == []
    assert "systemctl --no-block restart b.service" in systemd.told
    assert back.listed(program.ACTIVE) == BEFORE


def test_going_on_after_a_death_on_the_way_does_all_of_it(tmp_path: Path) -> None:
    machine(tmp_path, AFTER, BEFORE)
    with pytest.raises(Died):
        activate(Machine(tmp_path, Mortal("systemctl daemon-reload")))
    here, systemd = machine(tmp_path, AFTER)
    activate(here)
    assert "systemctl stop old.timer" in systemd.told
    assert "systemctl --no-block restart b.service" in systemd.told
    assert here.listed(program.ACTIVE) == AFTER


def test_on_somebodys_server_the_network_is_taken_over_once(tmp_path: Path) -> None:
    netplan = tmp_path / "run/systemd/network/10-netplan-eth0.network"
    netplan.parent.mkdir(parents=True)
    netplan.touch()
    here, systemd = machine(tmp_path, listed({"/a": "1"}, enabled=["systemd-networkd.service"]), None)
    activate(here)
    assert "systemctl kill --signal=KILL networking.service" in systemd.told
    assert "rm -f /run/systemd/network/10-netplan-eth0.network" in systemd.told
    systemd.told.clear()
    here.write(program.DESCRIBED, json.dumps(listed({"/a": "2"}, enabled=["systemd-networkd.service"])))
    activate(here)
    assert not any("networking" in each or "NetworkManager" in each for each in systemd.told)


def test_ifupdown_is_not_stopped_for_it_would_take_the_address_along(tmp_path: Path) -> None:
    here, systemd = machine(tmp_path, listed({"/a": "1"}))
    activate(here)
    assert not any(each.startswith("systemctl stop") and "networking" in each for each in systemd.told)


def test_what_had_the_network_is_ended_now_and_masked_for_later(tmp_path: Path) -> None:
    ended = {word for command in program.take_over(tmp_path) for word in command}
    assert {*MASKED} <= ended


def test_units_that_were_off_are_enabled_and_remembered(tmp_path: Path) -> None:
    units = ["caddy.service", "unbound.service"]
    off = ("systemctl --quiet is-enabled caddy.service",)
    here, systemd = machine(tmp_path, listed({}, enabled=units), None, *off)
    activate(here)
    assert "systemctl enable caddy.service" in systemd.told
    assert (tmp_path / program.ENABLED.lstrip("/")).read_text() == "caddy.service\n"


def test_a_file_that_an_image_laid_goes_and_one_that_a_package_has_stays(tmp_path: Path) -> None:
    for name in ("laid", "owned", "back"):
        (tmp_path / name).write_text(name)
    known = {f"/{name}": program.digest(tmp_path / name) for name in ("laid", "owned", "back")}
    (tmp_path / "back").write_text("what stood aside for it")
    here, _ = machine(tmp_path, listed({}), listed(known), "dpkg-query --search /laid", "dpkg-query --search /back")
    activate(here)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["back", "owned"]


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"files": {}}'])
def test_a_damaged_memory_is_none(tmp_path: Path, damaged: str) -> None:
    here, systemd = machine(tmp_path, listed({"/a": "1"}))
    here.write(program.ACTIVE, damaged)
    activate(here)
    assert "systemctl stop NetworkManager.service" in systemd.told  # as on the first day


def test_leaving_stops_ours_and_not_the_way_in(tmp_path: Path) -> None:
    here, systemd = machine(
        tmp_path, listed({"/etc/systemd/network/50-wg0.netdev": "1"}, wanted=["a.service", "ssh.service"])
    )
    leave(here)
    assert systemd.told == ["systemctl stop a.service", "ip link delete wg0"]


def test_without_a_description_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="cannot be read"):
        activate(Machine(tmp_path, Systemd()))
