"""The network on Debian."""

from __future__ import annotations

from mailnix.debian.host import debian_hosts
from mailnix.plan import derive
from mailnix.services.network.debian import LATE
from tests.descriptions import sound


def test_a_network_that_comes_late_is_no_failed_unit() -> None:
    """The unit's own time-out ends with status 1 (systemd-networkd-wait-online.service(8))."""
    assert LATE.data.decode().endswith("[Service]\nSuccessExitStatus=1\n")
    for host in debian_hosts(derive(sound())):
        assert LATE in host.tree
