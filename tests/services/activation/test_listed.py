"""Which unit reads which file, on the example's machines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailnix.debian.host import DebianHost, debian_hosts
from mailnix.plan import derive
from mailnix.services.activation.listed import digest
from mailnix.services.activation.names import LIST
from mailnix.tree import File, Link
from tests.descriptions import sound


@pytest.fixture
def hosts() -> tuple[DebianHost, DebianHost]:
    proxy, internal = debian_hosts(derive(sound()))
    return proxy, internal


def listed(host: DebianHost) -> Any:
    return json.loads(host.tree.file(LIST).data)


def readers(host: DebianHost, path: str) -> object:
    return listed(host)["read_by"].get(path, {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/caddy/Caddyfile", {"caddy.service": "reload"}),
        ("/etc/mailnix/firewall.nft", {"mailnix-firewall.service": "reload"}),
        ("/etc/systemd/system/mailnix-firewall.service", {"mailnix-firewall.service": "reload"}),
        ("/etc/haraka-in/config/host_list", {"haraka-in.service": "restart"}),
        ("/etc/haraka-out/plugins/deliveries.js", {"haraka-out.service": "restart"}),
        ("/usr/lib/haraka/package-lock.json", {"haraka-in.service": "restart", "haraka-out.service": "restart"}),
        ("/etc/systemd/system/haraka-in.service", {"haraka-in.service": "restart"}),
        ("/etc/ssh/sshd_config.d/10-mailnix.conf", {"ssh.service": "reload"}),
        ("/etc/systemd/network/20-uplink.network", {"systemd-networkd.service": "reload"}),
        ("/etc/unbound/unbound.conf.d/mailnix.conf", {"unbound.service": "restart"}),
        ("/etc/systemd/system/unbound.service.d/mailnix.conf", {"unbound.service": "restart"}),
    ],
)
def test_what_a_proxys_files_are_read_by_is_restarted_or_reloaded(
    hosts: tuple[DebianHost, DebianHost], path: str, expected: dict[str, str]
) -> None:
    assert readers(hosts[0], path) == expected


@pytest.mark.parametrize(
    "path", ["/etc/mailnix/provision.json", "/usr/lib/mailnix/mailcow/setup.py", "/usr/lib/mailnix/mailcow-backup"]
)
def test_new_mailboxes_and_programs_that_are_started_anyway_restart_nothing(
    hosts: tuple[DebianHost, DebianHost], path: str
) -> None:
    assert path in listed(hosts[1])["files"]
    assert readers(hosts[1], path) == {}


def test_mailcows_settings_restart_mailcow(hosts: tuple[DebianHost, DebianHost]) -> None:
    for path in ("/etc/mailnix/mailcow/mailcow.conf", "/etc/mailnix/mailcow.json"):
        assert readers(hosts[1], path) == {"mailcow.service": "restart"}


def test_what_waits_for_credentials_is_left_alone_for_all_that_need_them_would_restart(
    hosts: tuple[DebianHost, DebianHost],
) -> None:
    for host in hosts:
        verbs = {verb for of in listed(host)["read_by"].values() for unit, verb in of.items() if "credentials" in unit}
        assert verbs == {"at boot"}


def test_no_service_that_ends_by_itself_and_no_template_is_restarted(hosts: tuple[DebianHost, DebianHost]) -> None:
    for host in hosts:
        units = {unit for of in listed(host)["read_by"].values() for unit in of}
        texts = {
            unit: host.tree.file(f"/etc/systemd/system/{unit}").data.decode() for unit in units if _ours(host, unit)
        }
        assert texts
        for unit, text in texts.items():
            assert "Type=oneshot" not in text or "RemainAfterExit=yes" in text, unit
            assert "@" not in unit


def _ours(host: DebianHost, unit: str) -> bool:
    return any(entry.path == f"/etc/systemd/system/{unit}" for entry in host.tree)


def test_each_unit_that_is_wanted_or_restarted_is_described_or_debians(hosts: tuple[DebianHost, DebianHost]) -> None:
    """A misspelt one would be restarted by nobody."""
    debians = {
        "caddy.service",
        "docker.service",
        "ssh.service",
        "systemd-journald.service",
        "systemd-networkd-wait-online.service",
        "systemd-networkd.service",
        "systemd-resolved.service",
        "systemd-sysctl.service",
        "systemd-sysusers.service",
        "systemd-timesyncd.service",
        "unbound.service",
    }
    for host in hosts:
        named = {unit for of in listed(host)["read_by"].values() for unit in of} | {*listed(host)["wanted"]}
        assert {unit for unit in named if not _ours(host, unit)} <= debians


def test_every_file_but_the_list_is_in_it_with_its_digest(hosts: tuple[DebianHost, DebianHost]) -> None:
    for host in hosts:
        assert {entry.path for entry in host.tree} - {*listed(host)["files"]} <= {LIST, "/usr/lib/mailnix/activate"}


def test_a_digest_tells_content_mode_and_target_apart() -> None:
    entries = (File("/a", "x"), File("/a", "y"), File("/a", "x", 0o755), Link("/a", "x"), Link("/a", "y"))
    assert len({digest(entry) for entry in entries}) == len(entries)
    assert digest(File("/a", "x")) == digest(File("/a", b"x"))
