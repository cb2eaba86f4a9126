"""Checks of machines name what failed, and secrets where they do not belong."""

from __future__ import annotations

import pytest

from mailnix.lab.scenario import CheckFailed, Scene, health, web

from .conftest import FakeDisks, Guests


def test_a_failed_unit_is_named(scene: Scene, guests: Guests) -> None:
    for name in ("proxy", "internal"):
        guests[name].when("is-system-running", "running").when("--failed", "[]")
    assert health.no_unit_has_failed(scene)
    guests["internal"].when("--failed", '[{"unit": "docker.service"}]')
    with pytest.raises(CheckFailed, match=r"docker\.service"):
        health.no_unit_has_failed(scene)


def test_a_clock_that_nobody_set_is_named(scene: Scene, guests: Guests) -> None:
    for name in ("proxy", "internal"):
        guests[name].when("timesync", "0.debian.pool.ntp.org").when("NTPSynchronized", "yes")
    assert health.clocks_are_synchronised(scene).startswith("proxy: by 0.debian.pool.ntp.org, internal: by")
    guests["internal"].when("NTPSynchronized", "no")
    with pytest.raises(CheckFailed, match="in vain for internal to set its clock"):
        health.clocks_are_synchronised(scene, patience=0)


def test_a_secret_on_the_wrong_disk_is_named(scene: Scene, disks: FakeDisks) -> None:
    disks.found = {"internal": ("mailcow.dbpass",)}
    assert health.home_secrets_stay_home(scene)
    disks.found = {"internal": ("mailcow.dbpass",), "proxy": ("mailcow.dbpass",)}
    with pytest.raises(CheckFailed, match=r"mailcow\.dbpass"):
        health.home_secrets_stay_home(scene)


def test_a_search_that_finds_nothing_at_home_shows_nothing(scene: Scene, guests: Guests) -> None:
    guests["internal"].when("^cat", "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\nCCCC\n-----END PRIVATE KEY-----\n")
    with pytest.raises(CheckFailed, match="shows nothing"):
        health.home_secrets_stay_home(scene)
    with pytest.raises(CheckFailed, match="shows nothing"):
        web.mailbox_key_is_not_on_a_proxy(scene)
