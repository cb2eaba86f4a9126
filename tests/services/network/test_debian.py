"""The network on Debian."""

from __future__ import annotations

from mailnix.debian.host import debian_hosts
from mailnix.plan import derive
from mailnix.services.network.debian import CHOOSE, LATE
from mailnix.tree import File
from tests.descriptions import sound


def test_a_network_that_comes_late_is_no_failed_unit() -> None:
    """The unit's own time-out ends with status 1 (systemd-networkd-wait-online.service(8))."""
    assert LATE.data.decode().endswith(" --any --timeout=30\nSuccessExitStatus=1\n")
    for host in debian_hosts(derive(sound())):
        assert LATE in host.tree


def test_the_card_is_chosen_before_networkd_looks_at_any() -> None:
    (proxy, _) = debian_hosts(derive(sound()))
    entries = {entry.path: entry for entry in proxy.tree}
    assert "/etc/systemd/system/systemd-networkd.service.wants/mailnix-uplink.service" in entries
    unit = entries["/etc/systemd/system/mailnix-uplink.service"]
    assert isinstance(unit, File)
    program = f"{CHOOSE} /run/systemd/network/20-uplink.network.d en* eth*"
    assert f"ExecStart={program}\n" in unit.data.decode()
    assert "Before=systemd-networkd.service shutdown.target\n" in unit.data.decode()
    assert isinstance(script := entries[CHOOSE], File)
    assert script.mode == 0o755


def test_each_card_takes_what_comes_by_a_way_that_leads_back() -> None:
    """sysctl.d(5): what begins with a dash and has no value is left out of the patterns."""
    for host in debian_hosts(derive(sound())):
        (settings,) = (entry for entry in host.tree if entry.path == "/etc/sysctl.d/60-mailnix.conf")
        assert isinstance(settings, File)
        lines = settings.data.decode().splitlines()
        assert {"net.ipv4.conf.default.rp_filter = 2", "net.ipv4.conf.*.rp_filter = 2"} <= {*lines}
        assert "-net.ipv4.conf.all.rp_filter" in lines
        assert lines.count("net.ipv4.ip_forward = 1") == 1
