"""The calls of ssh, word for word; what its failures mean is in tests/secrets/test_ssh.py."""

from __future__ import annotations

from mailnix import Internal
from mailnix.errors import CommandFailed
from mailnix.plan import derive
from mailnix.ssh import Way, argv, failure, ways
from tests.descriptions import PUBLIC4, sound

NEW = ("-o", "ControlPath=none")


def test_options_are_for_the_jump_host_too() -> None:
    words = argv(Way("root@10.83.119.2", "root@5.9.100.1"), "true", NEW)
    assert words[:8] == ("ssh", "-T", *NEW, "-o", "BatchMode=yes", "-o", "ConnectTimeout=20")
    assert words[9] == (
        "ProxyCommand=ssh -T -o ControlPath=none -o BatchMode=yes -o ConnectTimeout=20 -W '[%h]:%p' -- root@5.9.100.1"
    )
    assert words[-3:] == ("--", "root@10.83.119.2", "true")


def test_another_user_than_the_targets_is_named_before_it() -> None:
    way = Way("debian@5.9.100.1", user="root")
    assert argv(way, "true")[-5:] == ("-l", "root", "--", "debian@5.9.100.1", "true")
    assert way.by_hand == "ssh -l root debian@5.9.100.1 true"
    assert str(way) == "root at debian@5.9.100.1"


def test_the_ways_that_work_from_anywhere_come_first() -> None:
    home = Internal("internal", ipv4="192.168.1.20", gateway="192.168.1.1", ssh_via_proxy=True)
    plan = derive(sound(internal=home))
    assert [way.jump for way in ways(plan, "internal")] == [f"root@{PUBLIC4}", None]


def test_a_machine_whose_address_the_home_router_chooses_has_no_way() -> None:
    assert ways(derive(sound()), "internal") == ()


def test_a_machine_that_falls_silent_was_reached() -> None:
    for said in ("Timeout, server 5.9.100.1 not responding.\r\n", "Failed to connect to new control master\n"):
        error = CommandFailed(["ssh"], 255, said)
        assert (
            failure(error, "proxy", Way("root@5.9.100.1")).message == "root@5.9.100.1 let you in, and then said no more"
        )


def test_the_next_step_is_written_as_the_command_takes_it() -> None:
    error = CommandFailed(["ssh"], 255, "ssh: Could not resolve hostname nowhere: Name or service not known\n")
    assert failure(error, "proxy", Way("nowhere"), "--to proxy=").hint == "try --to proxy=root@ADDRESS"
