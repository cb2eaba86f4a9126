"""The page of versions says what was measured and reviewed, for programs that are on the machines."""

from __future__ import annotations

import json
import os
import re

import pytest

from mailnix.debian.host import debian_host
from mailnix.debian.packages import KERNEL, package_set
from mailnix.plan import derive
from tests.versions.emitted import topologies
from tests.versions.table import PAGE, measured, node_of_lock, of_tree, page, reviewed, upstream

# Not named by us: Docker's package and systemd's others want them, and every machine has Python.
BROUGHT_ALONG = {"containerd", "iptables", "python3", "systemd"}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(reviewed(), measured()), "python -m tests.versions.table writes it anew"


def test_each_program_has_a_version_on_both_systems() -> None:
    versions = measured()
    for system in ("debian", "nixpkgs"):
        assert set(reviewed().programs) - set(versions[system]) == set()
        assert [version for version in versions[system].values() if not re.match(r"\d+(\.\d+)*", version)] == []


def test_the_programs_are_those_of_the_machines() -> None:
    installed = {
        package
        for plan in map(derive, topologies())
        for host in plan.hosts
        for package in package_set(debian_host(plan, host).packages)
    }
    assert {program["debian"] for program in reviewed().programs.values()} <= {*installed, KERNEL, *BROUGHT_ALONG}


def test_each_difference_is_of_a_program_there_and_newer_than_debians() -> None:
    versions = measured()["debian"]
    for difference in reviewed().differences:
        assert set(difference) == {"program", "since", "what", "ours", "source"}
        assert number(difference["since"]) > number(versions[difference["program"]])


def number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)][:3]


def test_debians_versions_are_shown_as_upstream_has_them() -> None:
    given = (
        "1:10.0p1-7+deb13u4",
        "26.1.5+dfsg1-9+deb13u1+b1",
        "1.7.24~ds1-6+deb13u1",
        "6.12.118-1",
        "257.13-1~deb13u1",
    )
    assert [upstream(version) for version in given] == ["10.0p1", "26.1.5", "1.7.24", "6.12.118", "257.13"]


def test_node_is_one_release_on_both_systems() -> None:
    assert number(node_of_lock())[0] == number(measured()["nixpkgs"]["node"])[0]


def test_the_tree_at_hand_has_the_versions_that_the_page_says() -> None:
    tree = os.environ.get("MAILNIX_NIXPKGS")
    if not tree:
        pytest.skip("MAILNIX_NIXPKGS does not name a nixpkgs tree to evaluate against")
    assert of_tree(tree) == measured()["nixpkgs"], json.dumps(of_tree(tree), indent=2)
