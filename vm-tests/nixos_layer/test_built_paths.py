"""What our scripts call is in their PATHs, by the programs that Debian's packages have; what is left out is missed.

The same as tests/nixos/test_called.py, on machines that are built.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.errors import BuildError
from mailnix.lab.nixos.build import Layer, Wanted
from mailnix.nixos.carried import COPY, copied
from mailnix.nixos.flake import emit
from mailnix.write import write_tree
from tests.nixos import called, golden
from tests.nixos.regenerate import example

MODULES = f"{COPY[1:]}/modules"
LEFT_OUT = (
    ("haraka/units.nix", "pkgs.openssl"),
    ("mailcow/programs.nix", "pkgs.gnutar"),
    ("mailcow/programs.nix", "pkgs.which"),
    ("mailnix/credentials.nix", "pkgs.util-linux"),
    ("mailnix/firewall.nix", "pkgs.wireguard-tools"),
    ("mailnix/tunnel.nix", "pkgs.getent"),
    ("mailnix/tunnel.nix", "pkgs.gawk"),
    ("mailnix/uplink.nix", "pkgs.iproute2"),
)


@frozen
class Found:
    """A machine's texts, and the programs of each package in its closure."""

    texts: Mapping[str, str]
    packages: Mapping[str, frozenset[str]]

    @property
    def missing(self) -> list[str]:
        """As `called.missing`."""
        return called.missing(self.texts, self.packages)


def written(folder: Path) -> Path:
    """The example's flake."""
    write_tree(emit(example(), copied()), folder / "flake")
    (folder / "bare.nix").write_text(golden.BARE)
    return folder


def built(layer: Layer, folder: Path) -> Mapping[str, Found]:
    """Its machines by name."""
    wanted = Wanted(folder / "flake", {"bare": (folder / "bare.nix",)}, unfetched=golden.UNFETCHED)
    tops = dict(layer.build(wanted))
    bare = tops.pop("bare")
    return {name: Found(golden.texts(layer, top, bare), programs(layer, top)) for name, top in tops.items()}


def programs(layer: Layer, top: str) -> Mapping[str, frozenset[str]]:
    """The names in each `bin` of a closure, by its store path without the hash."""
    folders = {golden.PINNED.sub("/nix/store/", path): layer.path(f"{path}/bin") for path in layer.closure(top)}
    return {
        path: frozenset(each.name for each in folder.iterdir()) for path, folder in folders.items() if folder.is_dir()
    }


def change(folder: Path, module: str, old: str, new: str) -> None:
    """Put a fault into a module of the flake."""
    path = folder / "flake" / MODULES / module
    text = path.read_text()
    assert text.count(old) == 1, (module, old)
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def whole(layer: Layer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    """The example's machines."""
    return built(layer, written(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_no_script_of_ours_calls_what_its_path_lacks(whole: Mapping[str, Found], machine: str) -> None:
    assert whole[machine].missing == []


@pytest.mark.parametrize("machine", ["internal", "proxy"])
def test_debians_packages_have_the_programs_that_nixpkgs_have(whole: Mapping[str, Found], machine: str) -> None:
    there = whole[machine].packages
    for path in called.paths(whole[machine].texts):
        assert {*called.PROGRAMS[called.package_of(path)].split()} <= there[path], path


def test_packages_that_units_leave_out_are_missed(layer: Layer, tmp_path: Path) -> None:
    folder = written(tmp_path)
    for module, package in LEFT_OUT:
        change(folder, module, f"    {package}\n", "")
    faulty = built(layer, folder)
    assert faulty["proxy"].missing == [
        "choose-card: ip",
        "haraka-in-tls.service: openssl",
        "haraka-out-tls.service: openssl",
        "mailnix-bans@.service: wg",
        *(f"seed: {name}" for name in ("blkid", "mount", "umount")),
    ]
    assert faulty["internal"].missing == [
        "choose-card: ip",
        "mailcow-backup: which",
        "mailcow-restore: tar",
        "mailcow-setup: tar",
        "mailnix-redial.service: awk",
        "mailnix-redial.service: getent",
        *(f"seed: {name}" for name in ("blkid", "mount", "umount")),
    ]


def test_a_package_of_which_debian_has_no_program_is_refused_while_it_is_built(layer: Layer, tmp_path: Path) -> None:
    folder = written(tmp_path)
    change(folder, "haraka/units.nix", "pkgs.diffutils\n", "pkgs.diffutils\n        pkgs.kexec-tools\n")
    with pytest.raises(BuildError, match=r"haraka-in-tls\.service: .*kexec-tools.*, which has no program"):
        built(layer, folder)


def test_data_that_would_be_fetched_is_refused_by_its_name(layer: Layer, tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "bare.nix").write_text(
        """{ pkgs, ... }:
        {
          system.stateVersion = "25.11";
          environment.etc."page".source = pkgs.fetchurl {
            url = "https://www.example.org/page.html";
            hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
          };
        }"""
    )
    with pytest.raises(BuildError, match=r"page\.html is fetched from the internet"):
        layer.build(Wanted(modules={"bare": (folder / "bare.nix",)}))
