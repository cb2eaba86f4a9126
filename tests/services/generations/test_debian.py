"""The package: a program in one file, and the units that run it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from mailnix.debian.host import debian_hosts
from mailnix.plan import derive
from mailnix.run import run
from mailnix.services.firewall.debian import UNIT as FIREWALL
from mailnix.services.generations import debian, names
from mailnix.tree import File, Tree
from tests.descriptions import sound
from tests.services.conftest import tool


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program as it lies on a machine."""
    path = tmp_path / "generations"
    path.write_bytes(Tree.of(debian.files()).file(names.PROGRAM).data)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_program_runs_by_itself(program: Path, tmp_path: Path) -> None:
    shown = run([sys.executable, "-I", str(program), "--help"], cwd=tmp_path)
    assert "switch" in shown.stdout
    assert program.read_bytes().startswith(b"#!/usr/bin/python3\n")


@pytest.mark.parametrize(
    "words", [[], ["switch", "1"], ["switch", "0", "--within", "5", "--id", "a"], ["confirm", "x", "--id", "a"], ["go"]]
)
def test_wrong_words_change_nothing_and_end_with_2(program: Path, words: list[str]) -> None:
    assert run([sys.executable, "-I", str(program), *words], check=False).status == 2


def test_equal_sources_make_equal_bytes_and_versions() -> None:
    assert debian.files() == debian.files()
    assert debian.version() == debian.version()
    assert json.loads(json.dumps(debian.told()))["version"] == debian.version()


@pytest.mark.parametrize("unit", [names.KEEPER, names.BOOT])
def test_systemd_takes_the_units(unit: str, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    entry = next(entry for entry in debian.files() if isinstance(entry, File) and entry.path.endswith(f"/{unit}"))
    for each in debian.files():
        if isinstance(each, File) and each.path.endswith(".service"):
            text = str(each.content).replace(names.PROGRAM, "/bin/true")
            (tmp_path / each.path.rpartition("/")[2]).write_text(text)
    shown = run([analyze, "verify", tmp_path / entry.path.rpartition("/")[2]], check=False)
    ours = [line for line in shown.stderr.splitlines() if unit in line]
    assert not ours


def test_nothing_of_a_generation_that_starts_early_starts_before_the_way_back() -> None:
    """A firewall that was loaded before would shut out whoever it was not confirmed for."""
    hosts = debian_hosts(derive(sound()))
    early = {
        file.path.rpartition("/")[2]
        for host in hosts
        for file in host.tree.files
        if file.path.startswith("/etc/systemd/system/") and "DefaultDependencies=no" in str(file.content)
    }
    assert FIREWALL in early
    assert early <= set(debian.EARLY)


def test_the_keeper_is_started_again_whenever_it_dies() -> None:
    text = next(str(f.content) for f in debian.files() if isinstance(f, File) and f.path.endswith(names.KEEPER))
    assert {"Restart=on-failure", "StartLimitIntervalSec=0"} <= set(text.splitlines())
