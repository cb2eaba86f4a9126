"""A plan's NixOS machines for the lab: the flake that is written, and what makes a saved lab another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.lab.nixos import machines, root
from mailnix.nar import nar_hash
from mailnix.plan import Plan, derive
from tests.nixos.conftest import Nix

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/two_machines.py"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(EXAMPLE))


@pytest.fixture
def mailcow(tmp_path: Path) -> Path:
    tree = tmp_path / "mailcow"
    (tree / "data").mkdir(parents=True)
    (tree / "docker-compose.yml").write_text("services: {}\n")
    (tree / "helper.sh").write_text("#!/bin/sh\n")
    (tree / "helper.sh").chmod(0o755)
    (tree / "data/link").symlink_to("../helper.sh")
    return tree


def test_mailcows_tree_lies_in_the_flake_as_it_is(plan: Plan, mailcow: Path, tmp_path: Path) -> None:
    flake = machines.write_flake(plan, mailcow, tmp_path / "flake")
    assert nar_hash(flake / "local/mailcow") == nar_hash(mailcow)


def test_the_module_beside_it_names_its_hash(plan: Plan, mailcow: Path, tmp_path: Path, nix: Nix) -> None:
    flake = machines.write_flake(plan, mailcow, tmp_path / "flake")
    module = flake / "local/internal.nix"
    given = nix.eval(
        f"(import {module} {{ pkgs.runCommand = name: attrs: script: attrs // {{ inherit script; }}; }})"
        ".services.mailcow.source"
    )
    assert given["outputHash"] == given["passthru"]["rev"] == nar_hash(mailcow)
    assert given["script"].startswith("cp -r /nix/store/")
    assert not (flake / "local/proxy.nix").exists()


def test_without_another_mailcow_nothing_is_added(plan: Plan, tmp_path: Path) -> None:
    assert not (machines.write_flake(plan, None, tmp_path / "flake") / "local").exists()


def test_another_nixpkgs_makes_another_lab(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "lib.nix").write_text("{ }")
    before = list(machines.inputs(plan, tmp_path))
    assert list(machines.inputs(plan, tmp_path)) == before
    os.utime(tmp_path / "lib.nix", ns=(1, 1))
    assert list(machines.inputs(plan, tmp_path)) != before


def test_machines_that_nix_builds_are_others_than_those_of_the_layer(plan: Plan, tmp_path: Path) -> None:
    assert list(machines.inputs(plan, None)) != list(machines.inputs(plan, tmp_path))


def test_a_root_is_another_with_other_packages_and_has_each_once() -> None:
    assert len(root.key()) == 16
    assert sorted(set(root.packages())) == list(root.packages())


def test_mmdebstrap_installs_them_and_what_they_need_alone(tmp_path: Path) -> None:
    words = root.argv(tmp_path / "root", tmp_path / "debs")
    assert words[-2:] == ["trixie", str(tmp_path / "root")]
    assert '--aptopt=APT::Install-Recommends "false"' in words
    assert f"--include={','.join(root.packages())}" in words
