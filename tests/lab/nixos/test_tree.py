"""nixpkgs trees, whole and partial, small enough to write here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.lab.nixos import tree

CALL = "stdenv = (derivation (derivationArg // { }));\n"
SYSTEMD = 'upstreamSystemUnits = [ "ssh-access.target" "systemd-userdbd.socket" "capsule@.service" ];\n'
SHELLCHECK = "{\n  shellcheck = callPackage x {\n    a = 1;\n  };\n  shellcheck-minimal = haskell.a b;\n}\n"

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(**changed: str) -> Path:
        files = {
            tree.EVAL: "{ }",
            tree.MODULES: "[\n  ./a.nix\n  # ./b.nix\n  # ./gone.nix\n  # words about ./a.nix\n]\n",
            "nixos/modules/a.nix": SYSTEMD,
            "nixos/modules/b.nix": '{ services = [ "mine.service" ]; }',
            tree.MAKE_DERIVATION: CALL,
            tree.PACKAGES: SHELLCHECK,
            tree.HACKAGE: "whole",
            **changed,
        }
        for name, text in files.items():
            path = tmp_path / "nixpkgs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "nixpkgs"

    return write


def test_a_whole_tree_is_changed_where_derivations_are_made_and_nowhere_else(make: Make, tmp_path: Path) -> None:
    given = make(**{tree.MODULES: "[\n  ./a.nix\n]\n"})
    made = tree.fitted(given, tmp_path / "cache")
    changed = [
        path
        for path in sorted(made.rglob("*"))
        if path.is_file() and (beside := given / path.relative_to(made)) and not _equal(path, beside)
    ]
    assert [str(path.relative_to(made)) for path in changed] == [tree.MAKE_DERIVATION, tree.WANTED_UNITS]
    assert (made / tree.MAKE_DERIVATION).read_text() == CALL.replace(
        "(derivation (", "((config.stubDerivation or (_: derivation)) attrs ("
    )


def _equal(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def test_the_tree_that_was_given_stays_as_it_is(make: Make, tmp_path: Path) -> None:
    given = make()
    before = {path: path.read_bytes() for path in given.rglob("*") if path.is_file()}
    tree.fitted(given, tmp_path / "cache")
    assert {path: path.read_bytes() for path in given.rglob("*") if path.is_file()} == before


def test_modules_that_are_commented_out_come_back_where_their_file_is_there(make: Make, tmp_path: Path) -> None:
    made = tree.fitted(make(), tmp_path / "cache")
    assert (made / tree.MODULES).read_text() == "[\n  ./a.nix\n  ./b.nix\n  # ./gone.nix\n  # words about ./a.nix\n]\n"


def test_generated_files_that_are_missing_get_stand_ins_and_shellcheck_with_them(make: Make, tmp_path: Path) -> None:
    given = make()
    (given / tree.HACKAGE).unlink()
    made = tree.fitted(given, tmp_path / "cache")
    assert (made / tree.HACKAGE).read_text() == "{ ... }: self: { }\n"
    packages = (made / tree.PACKAGES).read_text()
    assert "callPackage" not in packages
    assert "haskell" not in packages
    assert packages.count('pname = "ShellCheck"') == 2


def test_units_that_modules_take_from_systemd_are_listed(make: Make, tmp_path: Path) -> None:
    made = tree.fitted(make(), tmp_path / "cache")
    listed = (made / tree.WANTED_UNITS).read_text().splitlines()
    assert listed == ["capsule@.service", "ssh-access.target", "systemd-userdbd.socket"]


def test_a_tree_is_copied_once_and_again_when_it_has_changed(make: Make, tmp_path: Path) -> None:
    told: list[str] = []
    given = make()
    first = tree.fitted(given, tmp_path / "cache", told.append)
    assert tree.fitted(given, tmp_path / "cache", told.append) == first
    assert len(told) == 1
    (given / "nixos/modules/a.nix").write_text(SYSTEMD * 2)
    second = tree.fitted(given, tmp_path / "cache", told.append)
    assert second != first
    assert len(told) == 2


def test_a_copy_that_nobody_used_for_a_month_goes_when_another_is_made(make: Make, tmp_path: Path) -> None:
    given = make()
    old = tree.fitted(given, tmp_path / "cache")
    (given / "more.nix").write_text("{ }")
    young = tree.fitted(given, tmp_path / "cache")
    assert old.exists()
    os.utime(old, (1, 1))
    (given / "more.nix").write_text("{ a = 1; }")
    tree.fitted(given, tmp_path / "cache")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_change_that_keeps_the_size_is_seen_by_its_time(make: Make) -> None:
    given = make()
    before = tree.fingerprint(given)
    os.utime(given / tree.MODULES, ns=(1, 1))
    assert tree.fingerprint(given) != before


def test_history_is_not_copied(make: Make, tmp_path: Path) -> None:
    given = make(**{".git/objects/pack": "large"})
    before = tree.fingerprint(given)
    assert not (tree.fitted(given, tmp_path / "cache") / ".git").exists()
    (given / ".git/HEAD").write_text("another branch")
    assert tree.fingerprint(given) == before


def test_what_is_no_tree_is_refused_with_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is no nixpkgs tree") as caught:
        tree.fitted(tmp_path, tmp_path / "cache")
    assert caught.value.hint == "give the folder that holds nixos/ and pkgs/ of nixpkgs"


@pytest.mark.parametrize("text", ["", CALL * 2])
def test_a_nixpkgs_that_makes_derivations_in_another_way_is_refused_and_not_kept(
    text: str, make: Make, tmp_path: Path
) -> None:
    given = make(**{tree.MAKE_DERIVATION: text})
    for _ in range(2):
        with pytest.raises(BuildError, match="does not call `derivation` as it is known to"):
            tree.fitted(given, tmp_path / "cache")
