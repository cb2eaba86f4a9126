"""Whoever deploys in a lab holds one of the description's admin keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.servers import live
from mailnix.plan import derive
from mailnix.run import run
from tests.descriptions import KEY, sound


def test_the_labs_key_is_one_more_admin_key(tmp_path: Path) -> None:
    plan = live.with_key(derive(sound()), tmp_path)
    assert plan.topology.admin_keys[0] == KEY
    assert plan.topology.admin_keys[1:] == ((tmp_path / live.KEY).with_suffix(".pub").read_text().strip(),)
    assert (tmp_path / live.KEY).stat().st_mode & 0o777 == 0o600


def test_it_stays_the_same_and_is_added_once(tmp_path: Path) -> None:
    plan = live.with_key(derive(sound()), tmp_path)
    assert live.with_key(derive(sound()), tmp_path).topology == plan.topology
    assert live.with_key(plan, tmp_path) == plan


@frozen
class Internet:
    """QEMU's way into it."""

    port: int

    def inlet_port(self) -> int:
        return self.port


def test_the_way_in_is_said_anew_by_the_port_of_each_start(tmp_path: Path) -> None:
    plan = derive(sound())
    for port in (41001, 41002):
        machines: Any = {INTERNET: Internet(port)}
        town = live.Town(plan, layout(plan), machines, tmp_path, tmp_path)
        live.write_ssh_config(town)
        way = run(("ssh", "-G", "-F", town.ssh_config, INTERNET)).stdout.splitlines()
        assert {"hostname 127.0.0.1", f"port {port}", "user root"} <= {*way}
