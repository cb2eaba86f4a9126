"""A plan's NixOS machines for the lab: the flake that is written, and what makes a saved lab another."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from mailnix.config import load
from mailnix.errors import BuildError, ToolMissing
from mailnix.formats.backend import Backend
from mailnix.lab.internet import trust
from mailnix.lab.nixos import build, machines, root
from mailnix.lab.prepare import Options, prepare
from mailnix.nar import nar_hash
from mailnix.plan import Plan, derive
from mailnix.run import Completed, Runner
from mailnix.services.credentials import names
from mailnix.write import write_tree
from tests.image.fake_nix import FakeNix
from tests.nixos.conftest import Nix

Write = Callable[..., Path]
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


@pytest.fixture
def write(plan: Plan, tmp_path: Path) -> Write:
    def written(mailcow: Path | None = None, owners: Path | None = None) -> Path:
        write_tree(machines.flake(plan, mailcow, owners), tmp_path / "flake")
        return tmp_path / "flake"

    return written


def test_mailcows_tree_lies_in_the_flake_as_it_is(write: Write, mailcow: Path) -> None:
    assert nar_hash(write(mailcow) / "lab/mailcow") == nar_hash(mailcow)


def test_the_module_beside_it_names_its_hash(write: Write, mailcow: Path, nix: Nix) -> None:
    module = write(mailcow) / "lab/internal.nix"
    pkgs = "pkgs.runCommand = name: attrs: script: attrs // { inherit script; };"
    given = nix.eval(f"(import {module} {{ {pkgs} lib.mkForce = value: value; }})")
    assert given["environment"]["etc"]["ssl/certs/ca-certificates.crt"]["source"] == names.NIXOS_BUNDLE
    given = given["services"]["mailcow"]["source"]
    assert given["outputHash"] == given["passthru"]["rev"] == nar_hash(mailcow)
    assert given["script"].startswith("cp -r /nix/store/")


def test_without_another_mailcow_its_machine_is_as_emitted(write: Write) -> None:
    flake = write()
    assert not [path for folder in ("lab", "local") for path in flake.glob(f"{folder}/internal.nix")]


def test_a_proxys_resolver_reads_the_file_in_which_it_is_told_of_the_labs_root(write: Write, nix: Nix) -> None:
    given = nix.eval(f"import {write()}/lab/proxy.nix {{ lib.mkForce = value: value; }}")
    assert given["environment"]["etc"]["ssl/certs/ca-certificates.crt"]["source"] == names.NIXOS_BUNDLE
    unbound = given["services"]["unbound"]
    assert PurePosixPath(trust.UNBOUND).match(unbound["settings"]["include"])
    assert unbound["enableRootTrustAnchor"] is False


def test_what_the_owner_adds_lies_where_they_have_it(write: Write, tmp_path: Path) -> None:
    owners = tmp_path / "local"
    owners.mkdir()
    texts = {
        "proxy.nix": "{ imports = [ ./proxy.owner.nix ]; }",
        "proxy.owner.nix": "{ own = true; }",
        "internal.nix": "{ imports = [ ./proxy.nix ]; }",
    }
    for name, text in texts.items():
        (owners / name).write_text(text)
    flake = write(owners=owners)
    assert {path.name: path.read_text() for path in (flake / "local").iterdir()} == texts


def test_machines_have_what_is_emitted_what_the_lab_adds_and_what_their_owner_adds(
    write: Write, mailcow: Path, tmp_path: Path, nix: Nix
) -> None:
    owners = tmp_path / "local"
    owners.mkdir()
    (owners / "proxy.nix").write_text("{ }")
    flake = write(mailcow, owners)
    given = nix.eval(f"""
      let
        toSet = f: names: builtins.listToAttrs (map (name: {{ inherit name; value = f name; }}) names);
        lib = {{
          optional = wanted: one: if wanted then [ one ] else [ ];
          genAttrs = names: f: toSet f names;
          mapAttrs = builtins.mapAttrs;
          nixosSystem = {{ modules }}: map toString (builtins.filter builtins.isPath modules);
        }};
      in
      ((import {flake}/flake.nix).outputs {{ nixpkgs = {{ inherit lib; }}; }}).nixosConfigurations
    """)
    assert {name: [Path(path).relative_to(flake) for path in paths] for name, paths in given.items()} == {
        "proxy": [Path("hosts/proxy"), Path("local/proxy.nix"), Path("lab/proxy.nix")],
        "internal": [Path("hosts/internal"), Path("lab/internal.nix")],
    }


def test_another_nixpkgs_makes_another_lab(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "lib.nix").write_text("{ }")
    before = list(machines.inputs(plan, tmp_path, None))
    assert list(machines.inputs(plan, tmp_path, None)) == before
    os.utime(tmp_path / "lib.nix", ns=(1, 1))
    assert list(machines.inputs(plan, tmp_path, None)) != before


def test_machines_that_nix_builds_are_others_than_those_of_the_layer(plan: Plan, tmp_path: Path) -> None:
    assert list(machines.inputs(plan, None, None)) != list(machines.inputs(plan, tmp_path, None))


def test_without_a_tree_nix_builds_every_machine_of_the_labs_flake(plan: Plan, mailcow: Path, tmp_path: Path) -> None:
    fake, state_dir = FakeNix(), tmp_path / "lab"
    made = machines.machines(plan, None, mailcow, None, state_dir, lambda _line: None, fake)
    assert {name: (each.image.read_bytes(), each.kernel) for name, each in made.items()} == {
        host.name: (b"converted disk", None) for host in plan.hosts
    }
    built = [words[2] for words in fake.commands if words[1] == "build"]
    assert built == [f"path:{state_dir}/flake#packages.x86_64-linux.{host.name}" for host in plan.hosts]


def test_a_root_is_another_with_other_packages_and_has_each_once() -> None:
    assert len(root.key()) == 16
    assert sorted(set(root.packages())) == list(root.packages())


def test_mmdebstrap_installs_them_and_what_they_need_alone(tmp_path: Path) -> None:
    words = root.argv(tmp_path / "root", tmp_path / "debs", root.packages())
    assert words[-2:] == ["trixie", str(tmp_path / "root")]
    assert '--aptopt=APT::Install-Recommends "false"' in words
    assert f"--include={','.join(root.packages())}" in words


def test_what_is_no_nixpkgs_tree_is_refused_before_anything_is_made(plan: Plan, tmp_path: Path) -> None:
    options = Options(tmp_path / "lab", backend=Backend.NIXOS, nixpkgs=tmp_path)
    told: list[str] = []
    with pytest.raises(BuildError):
        prepare(plan, options, told.append)
    assert told == []
    assert not (tmp_path / "lab").exists()


def no_nix(argv: Sequence[str | os.PathLike[str]], **_settings: Any) -> Completed:
    raise ToolMissing(str(argv[0]), "nix-bin")


def prepared(plan: Plan, options: Options, fake: Runner) -> tuple[BuildError, list[str]]:
    """Why nothing was prepared, and what was said before."""
    told: list[str] = []
    with pytest.raises(BuildError) as refused:
        prepare(plan, options, told.append, fake)
    return refused.value, told


def test_without_nix_and_without_a_tree_nothing_is_made(plan: Plan, tmp_path: Path) -> None:
    options = Options(tmp_path / "lab", backend=Backend.NIXOS)
    refused, told = prepared(plan, options, no_nix)
    assert refused.message == "nix is not installed"
    assert refused.hint.endswith("or build with --backend debian, or name a nixpkgs tree with --nixpkgs")
    assert told == []
    assert not options.state_dir.exists()


@pytest.mark.parametrize("layer", [True, False], ids=["of the layer", "by nix"])
def test_modules_of_no_machine_are_refused_before_anything_is_made(plan: Plan, tmp_path: Path, layer: bool) -> None:
    owners = tmp_path / "local"
    owners.mkdir()
    (owners / "prxy.nix").write_text("{ }")
    nixpkgs = tmp_path if layer else None
    options = Options(tmp_path / "lab", backend=Backend.NIXOS, nixpkgs=nixpkgs, local=owners)
    refused, told = prepared(plan, options, FakeNix())
    assert refused.message == f"{owners} has prxy.nix, and none is of a machine"
    assert told == []
    assert not options.state_dir.exists()


def test_who_is_not_root_is_told_to_name_the_tree_to_sudo(tmp_path: Path) -> None:
    tree = tmp_path / "of nixpkgs"
    with pytest.raises(BuildError) as refused:
        build.ensure_possible(tree, user=1000)
    assert refused.value.hint == f"sudo mailnix … --nixpkgs '{tree}'"
