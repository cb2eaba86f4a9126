"""The project's flake, its VM checks, and the flake that a user gets, evaluated against a real nixpkgs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailnix.config import load
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import derive
from tests.nixos.conftest import Nix

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's flake, with a local module of its user."""
    folder = tmp_path_factory.mktemp("emitted")
    for file in emit(derive(load(REPOSITORY / "docs/examples/two_machines.py")), copied()).files:
        path = folder / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    (folder / "local").mkdir()
    (folder / "local/proxy.nix").write_text(
        '{ users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 LOCAL" ]; }\n'
    )
    return folder


@pytest.fixture(scope="module")
def found(nix: Nix, nixpkgs: Path, emitted: Path) -> dict[str, Any]:
    evaluated: dict[str, Any] = nix.eval(
        f"import {HERE}/flakes.nix {{ tree = {nixpkgs}; repository = {REPOSITORY}; emitted = {emitted}; }}"
    )
    return evaluated


def test_every_vm_check_evaluates_to_a_derivation(found: dict[str, Any]) -> None:
    files = {path.stem for path in (REPOSITORY / "vm-tests/nixos").glob("*.nix")}
    assert set(found["checks"]) == files
    assert {"mail-exchange", "haraka", "mailcow"} <= files
    assert all(path.endswith(".drv") for path in found["checks"].values())


def test_packages_shells_and_formatter_evaluate_on_both_systems(found: dict[str, Any]) -> None:
    for system in ("aarch64-linux", "x86_64-linux"):
        assert {"default", "haraka", "mailnix", "mailnix-lab"} == set(found["packages"][system])
        assert found["shells"][system].endswith(".drv")
        assert found["formatter"][system].endswith(".drv")
    assert found["app"].endswith("/bin/mailnix")


def test_people_without_flakes_get_the_same_packages(found: Any) -> None:
    packages = found["packages"]["x86_64-linux"]
    assert found["withoutFlakes"] == {name: packages[name] for name in ("haraka", "mailnix", "mailnix-lab")}
    assert found["overlay"] == packages["haraka"]


def test_the_template_is_a_machine(found: Any) -> None:
    assert "nixos-system" in found["template"]


def test_packages_have_maintainers_and_haraka_a_check_of_its_module(found: Any) -> None:
    assert all(found["maintainers"].values())
    assert "vm-test-run-haraka" in found["checked"]


def test_modules_and_the_examples_machines_are_offered(found: dict[str, Any]) -> None:
    assert found["modules"] == ["default", "haraka", "mailcow", "mailnix"]
    assert found["configurations"] == ["internal", "proxy"]


def test_a_users_flake_has_an_image_and_a_place_in_the_hive_for_each_machine(found: dict[str, Any]) -> None:
    assert set(found["images"]) == {"proxy", "internal"}
    assert all(path.endswith(".drv") for path in found["images"].values())
    assert found["hive"]["proxy"] == {"targetHost": "203.0.113.10"}
    assert found["hive"]["internal"] == {"targetHost": "internal"}


def test_a_users_own_module_is_taken_from_local(found: dict[str, Any]) -> None:
    assert "ssh-ed25519 LOCAL" in found["sshKeys"]["proxy"]
    assert "ssh-ed25519 LOCAL" not in found["sshKeys"]["internal"]


def test_the_lock_file_pins_the_branch_that_the_flake_names() -> None:
    import json

    lock = json.loads((REPOSITORY / "flake.lock").read_text())["nodes"]["nixpkgs"]
    text = (REPOSITORY / "flake.nix").read_text()
    assert f"github:NixOS/nixpkgs/{lock['original']['ref']}" in text
    assert lock["locked"]["narHash"].startswith("sha256-")
    assert len(lock["locked"]["rev"]) == 40
