"""The stub in the place of a program: what its output has, made by the script that Nix runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailnix.image.bootstrap import NPM
from mailnix.lab.nixos.root import LAYER, packages
from mailnix.run import run


def made(folder: Path, pname: str) -> Path:
    """The output of the package's stub; `folder` is in the place of what fit.sh moves aside."""
    out = folder / pname
    env = {"name": pname, "pname": pname, "outputs": "out", "out": str(out), "aside": str(folder)}
    run(["bash", LAYER / "stub.sh"], env=env)
    return out


def test_a_package_has_the_programs_that_alternatives_lead_to_and_no_others(tmp_path: Path) -> None:
    awk = Path("/etc/alternatives/awk")
    if not awk.is_symlink():
        pytest.skip("this machine has no alternatives as Debian's have")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/gawk").write_text(f"/.\n{awk.readlink()}\n/usr/share/awk\n")
    found = {path.name for path in (made(tmp_path, "gawk") / "bin").iterdir()}
    assert found - {"nawk"} == {"awk", awk.readlink().name}


def test_haraka_is_what_npm_made_of_the_lock_file(tmp_path: Path) -> None:
    program = made(tmp_path, "haraka") / "bin/haraka"
    assert os.access(program, os.X_OK)
    words = program.read_text().split()
    locked = json.loads((NPM / "package-lock.json").read_text())["packages"]
    for word in words[words.index("exec") + 1 : words.index("exec") + 3]:
        below = word.removeprefix(f"{tmp_path}/npm/")
        assert any(below.startswith(f"{module}/") for module in locked if module), word


def test_every_program_that_the_machines_run_is_there_to_point_into() -> None:
    assert {"caddy", "docker.io", "lego", "minica", "nftables", "unbound", "unbound-anchor", "wireguard-tools"} <= set(
        packages()
    )
