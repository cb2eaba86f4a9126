"""What is in a machine's package, as values."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from mailnix.debian.host import DebianHost, debian_hosts
from mailnix.debian.package import SCRIPTS, SHARED, generation, haraka
from mailnix.debian.packages import BOOT
from mailnix.plan import derive
from mailnix.run import run
from mailnix.services.activation.names import ASIDE
from mailnix.tree import File, Tree
from tests.descriptions import sound


@pytest.fixture
def hosts() -> tuple[DebianHost, DebianHost]:
    proxy, internal = debian_hosts(derive(sound()))
    return proxy, internal


def test_a_generation_is_called_after_its_machine_and_numbered(hosts: tuple[DebianHost, DebianHost]) -> None:
    assert generation(hosts[0], 7).file_name == "mailnix-proxy_7_all.deb"


def test_a_proxy_depends_on_just_the_haraka_that_it_was_made_for(hosts: tuple[DebianHost, DebianHost]) -> None:
    proxy, internal = (generation(host, 1).depends for host in hosts)
    assert f"mailnix-haraka (= {haraka().version})" in proxy
    assert not any("haraka" in each for each in internal)


def test_a_server_keeps_its_own_kernel_and_boot_loader(hosts: tuple[DebianHost, DebianHost]) -> None:
    for host in hosts:
        depends = set(generation(host, 1).depends)
        assert {"nftables", "systemd-resolved"} <= depends
        assert not depends & {*BOOT} - {"kmod", "mount", "udev"}
        assert not any(each.startswith("linux-image") for each in depends)


def test_two_numbers_of_one_description_have_one_digest(hosts: tuple[DebianHost, DebianHost]) -> None:
    assert generation(hosts[0], 1).digest == generation(hosts[0], 2).digest


@pytest.mark.parametrize(
    "changed", [File("/etc/hostname", "other\n"), File("/etc/hostname", "proxy\n", 0o600)], ids=["content", "mode"]
)
def test_another_content_or_mode_is_another_digest(hosts: tuple[DebianHost, DebianHost], changed: File) -> None:
    tree = Tree.of([changed, *(entry for entry in hosts[0].tree if entry.path != changed.path)])
    assert generation(evolve(hosts[0], tree=tree), 1).digest != generation(hosts[0], 1).digest


def test_control_has_what_dpkg_and_people_read(hosts: tuple[DebianHost, DebianHost]) -> None:
    text = generation(hosts[0], 3).control().file("/DEBIAN/control").data.decode()
    assert text.startswith("Package: mailnix-proxy\nVersion: 3\nArchitecture: all\n")
    assert "\nDescription: the machine proxy as mailnix describes it, generation 3\n" in text


def test_every_file_has_its_sum_for_dpkg_verify(hosts: tuple[DebianHost, DebianHost]) -> None:
    package = generation(hosts[0], 1)
    sums = package.control().file("/DEBIAN/md5sums").data.decode()
    assert {line.split("  ")[1] for line in sums.splitlines()} == {file.path[1:] for file in package.tree.files}


def test_others_files_at_our_places_step_aside_and_come_back(hosts: tuple[DebianHost, DebianHost]) -> None:
    for host in hosts:
        package = generation(host, 1)
        shared = [path for path in SHARED if any(entry.path == path for entry in package.tree)]
        assert "/root/.ssh/authorized_keys" in shared
        assert all(entry.path in package.scripts["preinst"] for entry in package.tree)  # a stranger's, too
        assert ASIDE in package.scripts["postrm"]


def test_no_file_of_ours_is_where_a_package_of_debians_has_one_unless_it_steps_aside(
    hosts: tuple[DebianHost, DebianHost],
) -> None:
    """By the folders that only we write to; a new one is looked at here."""
    ours = re.compile(
        r"/etc/(mailnix|haraka-in|haraka-out)/|/usr/lib/mailnix/|/etc/systemd/|mailnix|haraka"
        r"|/etc/cloud/cloud-init.disabled|/usr/sbin/mailcow-(backup|restore)"
    )
    for host in hosts:
        for entry in generation(host, 1).tree:
            assert entry.path in SHARED or ours.search(entry.path), entry.path


def test_links_that_enable_debians_units_are_not_in_it_for_their_packages_have_them(
    hosts: tuple[DebianHost, DebianHost],
) -> None:
    for host in hosts:
        enabling = {each.link.path for each in host.packaged}
        assert enabling
        assert not enabling & {entry.path for entry in generation(host, 1).tree}


def test_scripts_are_shell_that_a_shell_accepts(hosts: tuple[DebianHost, DebianHost]) -> None:
    for host in hosts:
        scripts = generation(host, 1).scripts
        assert tuple(scripts) == SCRIPTS
        for text in scripts.values():
            run(["sh", "-n"], stdin=text.encode())
