"""What every Debian machine has."""

from __future__ import annotations

from mailnix.debian.host import debian_hosts
from mailnix.lab.internet.machine import internet
from mailnix.plan import derive
from mailnix.services.base.debian import TIMEOUTS
from tests.descriptions import sound


def test_a_machine_on_a_busy_host_is_given_time_to_boot() -> None:
    """With two cores and 14 who want them, serial consoles and the journal were given up after systemd's 90 seconds."""
    plan = derive(sound())
    assert "DefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n" in TIMEOUTS.data.decode()
    for host in debian_hosts(plan):
        assert TIMEOUTS in host.tree
    assert TIMEOUTS in internet(plan).entries
