"""Whoever deploys in a lab holds one of the description's admin keys."""

from __future__ import annotations

from pathlib import Path

from mailnix.lab.servers import live
from mailnix.plan import derive
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
