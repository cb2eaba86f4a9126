"""What a change of the description does to a machine that runs."""

from __future__ import annotations

import io
import tarfile

from mailnix.lab.places import change
from mailnix.tree import File, Link, Tree

UPLINK = "/etc/systemd/network/20-uplink.network"
OLD = Tree.of((File(UPLINK, "old"), File("/etc/hosts", "same"), Link("/etc/gone", "/dev/null")))
NEW = Tree.of((File(UPLINK, "new"), File("/etc/hosts", "same"), File("/etc/haraka-out/config/me", "me", 0o755)))


def test_only_what_differs_is_written_and_what_is_described_no_more_is_removed() -> None:
    found = change.between(OLD, NEW)
    assert [entry.path for entry in found.written] == ["/etc/haraka-out/config/me", UPLINK]
    assert found.removed == ("/etc/gone",)
    assert "rm -f /etc/gone" in change.lay(found)


def test_nothing_differs_between_equal_trees() -> None:
    assert change.between(OLD, OLD).paths == ()


def test_the_archive_has_files_with_their_modes_and_links_with_their_targets() -> None:
    packed = change.archive((*NEW, Link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = {member.name: member for member in tar}
        assert members["etc/haraka-out/config/me"].mode == 0o755
        assert members["etc/localtime"].linkname == "/usr/share/zoneinfo/Etc/UTC"
        assert {member.uid for member in members.values()} == {0}


def test_what_runs_from_changed_files_starts_anew() -> None:
    paths = ("/etc/haraka-in/config/me", "/etc/systemd/system/caddy.service.d/x.conf", "/etc/hosts")
    assert list(change.units(paths)) == ["haraka-in.service", "caddy.service"]


def test_a_unit_that_is_wanted_now_is_started() -> None:
    link = Link("/etc/systemd/system/timers.target.wants/mailnix-x.timer", "/etc/systemd/system/mailnix-x.timer")
    script = change.use(change.between(OLD, Tree.of((*OLD, link))))
    assert "systemctl --no-block start mailnix-x.timer" in script
    assert "systemctl daemon-reload" in script


def test_the_network_is_taken_down_before_anything_starts() -> None:
    script = change.use(change.between(OLD, NEW))
    assert (
        script.index("ip link delete") < script.index("systemctl start systemd-networkd") < script.index("haraka-out")
    )
