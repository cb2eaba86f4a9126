"""Both checks of logins see what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import CheckFailed, Scene, checks_for, logins
from mailnix.plan import Plan, derive

from .conftest import FakeDisks, Guests, Said

DENIED = Said(status=255, stderr="root@203.0.113.10: Permission denied (publickey).")
PROHIBITED = Said(status=255, stderr="channel 0: open failed: administratively prohibited: open failed")


def planned(**changed: Any) -> Plan:
    proxy = Proxy("proxy", ipv4="203.0.113.10", **changed)
    internal = Internal("internal", ssh_via_proxy=True)
    return derive(Topology("mail.example.org", [proxy], internal, [Domain("example.org", [Mailbox("alice")])]))


@pytest.fixture
def jump(guests: dict[str, Any], disks: FakeDisks) -> Scene:
    plan = planned()
    for name in ("proxy", "internal"):
        guests[name].when("authorized_keys", "")
    internet = guests[INTERNET].when("", "").when("cat .*admin.pub", "ssh-ed25519 AAAA admin\n")
    internet.when(r"admin.conf root@10", "internal\n").when(r"stranger.conf root@", DENIED).when(r"-W 10", PROHIBITED)
    return Scene(plan, layout(plan), guests, disks)


def test_an_admin_who_comes_home_passes_and_leaves_no_key(jump: Scene, guests: Guests) -> None:
    assert "proxy leads to internal" in logins.admin_comes_home_by_way_of_a_proxy(jump)
    for name in ("proxy", "internal"):
        assert "mv /root/.ssh/authorized_keys.kept" in guests[name].asked[-1]


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        (r"admin.conf root@10", DENIED),
        (r"admin.conf root@10", "another\n"),
        (r"stranger.conf root@", "internal\n"),
        (r"-W 10", Said()),
    ],
    ids=["no way", "another machine", "a stranger comes in", "every port"],
)
def test_what_is_wrong_with_a_jump_host_is_seen(jump: Scene, guests: Guests, pattern: str, answer: object) -> None:
    guests[INTERNET].when(pattern, answer)
    with pytest.raises(CheckFailed):
        logins.admin_comes_home_by_way_of_a_proxy(jump)


def silent(guests: Guests) -> None:
    guests["proxy"].when("/22", 124).when("/25", "")
    guests["internal"].when("nsenter", 124).when("docker inspect", "4711\n")


def test_silence_to_tunnel_and_containers_passes(scene: Scene, guests: Guests) -> None:
    silent(guests)
    assert logins.nobody_else_reaches_ssh_at_home(scene) == "silent to proxy, a container"


@pytest.mark.parametrize(
    ("machine", "pattern", "answer"),
    [
        ("proxy", "/22", ""),
        ("proxy", "/25", 1),
        ("internal", "nsenter", ""),
        ("internal", "docker inspect", ""),
    ],
    ids=["open to the tunnel", "no tunnel", "open to a container", "no container"],
)
def test_what_is_open_or_says_nothing_is_seen(
    scene: Scene, guests: Guests, machine: str, pattern: str, answer: object
) -> None:
    silent(guests)
    guests[machine].when(pattern, answer)
    with pytest.raises(CheckFailed):
        logins.nobody_else_reaches_ssh_at_home(scene)


def test_a_jump_host_is_tried_where_the_internet_may_log_in() -> None:
    assert "jump-host" in {check.id for check in checks_for(planned())}
    assert "jump-host" not in {check.id for check in checks_for(planned(admin_cidrs=["192.0.2.0/24"]))}
