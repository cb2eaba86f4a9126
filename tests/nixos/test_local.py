"""What a machine's owner adds to the flake, for `mailnix build`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.nixos.local import added_to, local

NAMES = ("proxy", "internal")


def test_a_machines_module_comes_with_all_that_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "proxy.nix").write_text("{ imports = [ ./parts/a.nix ]; }")
    (tmp_path / "parts/a.nix").write_text("{ }")
    (tmp_path / "parts/run.sh").write_text("true")
    (tmp_path / "parts/run.sh").chmod(0o700)
    (tmp_path / "parts/b.nix").symlink_to("a.nix")
    found = local(tmp_path, NAMES)
    assert {(file.path, file.data, file.mode) for file in found} == {
        ("/local/proxy.nix", b"{ imports = [ ./parts/a.nix ]; }", 0o644),
        ("/local/parts/a.nix", b"{ }", 0o644),
        ("/local/parts/b.nix", b"{ }", 0o644),
        ("/local/parts/run.sh", b"true", 0o755),
    }
    assert added_to(found, NAMES) == ("proxy",)


def test_a_folder_of_something_else_goes_nowhere(tmp_path: Path) -> None:
    """What is in a flake is in the Nix store, which every user can read."""
    (tmp_path / "letter.txt").write_text("private")
    assert local(tmp_path, NAMES) == ()


def test_gits_own_files_stay_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("token")
    (tmp_path / "proxy.nix").write_text("{ }")
    assert [file.path for file in local(tmp_path, NAMES)] == ["/local/proxy.nix"]


def test_modules_of_no_machine_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "prxy.nix").write_text("{ }")
    with pytest.raises(BuildError, match=r"has prxy\.nix, and none is of a machine") as caught:
        local(tmp_path, NAMES)
    assert caught.value.hint == "the machines are proxy, internal: call the file proxy.nix"


@pytest.mark.parametrize("target", ["nowhere", "."])
def test_a_link_to_no_file_is_a_mistake(tmp_path: Path, target: str) -> None:
    (tmp_path / "proxy.nix").write_text("{ }")
    (tmp_path / "more").symlink_to(target)
    with pytest.raises(BuildError, match="more is a link to no file"):
        local(tmp_path, NAMES)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="none is no folder"):
        local(tmp_path / "none", NAMES)
