"""Where an emitted flake has the modules from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.nixos import carried
from mailnix.nixos.carried import COPY, Reference, copied
from mailnix.nixos.flake import emit
from mailnix.pipeline import modules
from mailnix.plan import Plan, derive
from mailnix.write import write_tree
from tests.nixos.conftest import Nix

REPOSITORY = Path(__file__).resolve().parents[2]
STANDIN = Path(__file__).parent / "standin"
RELATIVE = re.compile(r"(?<![\w./])(?:\./[\w/-]+\.nix|\.\./\.\./[\w./-]+)")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(REPOSITORY / "docs/examples/two_machines.py"))


@pytest.fixture
def emitted(plan: Plan, tmp_path: Path) -> Path:
    write_tree(emit(plan, copied()), tmp_path / "flake")
    return tmp_path / "flake"


def test_every_path_that_a_carried_module_names_is_carried_too(emitted: Path) -> None:
    nix = [*emitted.glob("mailnix/modules/**/*.nix")]
    named = {file.parent / path for file in nix for path in RELATIVE.findall(file.read_text())}
    assert any("services/haraka/npm" in str(path) for path in named)
    assert [path for path in named if not path.exists()] == []


def test_every_module_is_carried_but_the_package_of_the_command() -> None:
    modules = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "modules").rglob("*") if path.is_file()}
    assert {f"{COPY}/{path}" for path in modules} - {file.path for file in copied().files} == {
        f"{COPY}/modules/mailnix/package.nix"
    }


def test_an_emitted_flake_names_no_place_on_this_machine(emitted: Path) -> None:
    for file in emitted.rglob("*"):
        if file.is_file():
            assert str(REPOSITORY).encode() not in file.read_bytes(), file


def test_machines_define_the_same_with_the_modules_of_an_emitted_flake(nix: Nix, emitted: Path) -> None:
    def defined(modules: Path) -> str:
        hosts = [f"{REPOSITORY}/hosts/{name}" for name in ("proxy", "internal")]
        found = nix.eval(f"import {STANDIN} {{ modules = [ (import {modules}).default {' '.join(hosts)} ]; }}")
        return re.sub(r"/nix/store/\w+-", "", str(found)).replace(str(modules.parent), "")

    assert defined(emitted / "mailnix/modules") == defined(REPOSITORY / "modules")


def test_the_input_is_the_nixpkgs_of_our_lock_file(nix: Nix, emitted: Path) -> None:
    found = nix.eval(f"(import {emitted}/flake.nix).inputs")
    assert found == {"nixpkgs": dict(copied().nixpkgs)}
    assert found["nixpkgs"]["rev"] in (REPOSITORY / "flake.lock").read_text()


NIXPKGS = """{
  outputs = _: {
    lib = import ./lib.nix // {
      # In place of NixOS: what its modules are imported from, as pure evaluation allows it.
      nixosSystem = { modules }: {
        config.mailnix.disk.enable = true;
        config.system.build.images.mailnix = map (path: builtins.typeOf (import path)) (builtins.head modules).imports;
      };
    };
  };
}"""


def test_nix_reads_the_carried_modules_of_a_flake_without_a_network(nix: Nix, emitted: Path) -> None:
    """With a stand-in for the pinned nixpkgs; what needs NixOS is in test_flakes.py."""
    nixpkgs = emitted.parent / "nixpkgs"
    nixpkgs.mkdir()
    (nixpkgs / "flake.nix").write_text(NIXPKGS)
    (nixpkgs / "lib.nix").write_text((STANDIN / "lib.nix").read_text())
    done = nix.run(
        "nix", "eval", "--json", f"path:{emitted}#packages.x86_64-linux",
        "--override-input", "nixpkgs", f"path:{nixpkgs}", "--no-write-lock-file", "--offline",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kinds = json.loads(done.stdout)
    assert set(kinds) == {"proxy", "internal"}
    assert set(kinds["proxy"]) <= {"lambda", "set"}
    assert len(kinds["proxy"]) == 3


def test_the_user_may_name_a_flake_instead(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILNIX_FLAKE", "github:someone/mailnix")
    assert modules() == Reference("github:someone/mailnix")
    tree = emit(plan, modules())
    assert 'mailnix.url = "github:someone/mailnix";' in tree.file("/flake.nix").data.decode()
    assert "github:someone/mailnix" in tree.file("/README.md").data.decode()
    assert not [file for file in tree if file.path.startswith(COPY)]


def test_an_emitted_flake_carries_the_modules_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILNIX_FLAKE", raising=False)
    assert modules() == carried.copied()
