"""The stub in the place of a program: what its output has, made by the script that Nix runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mailnix.image.bootstrap import NPM
from mailnix.lab.nixos.root import LAYER, packages
from mailnix.run import run


def made(folder: Path, pname: str) -> Path:
    out = folder / pname
    run(["bash", LAYER / "stub.sh"], env={"name": pname, "pname": pname, "outputs": "out", "out": str(out)})
    return out


def test_haraka_is_what_npm_made_of_the_lock_file(tmp_path: Path) -> None:
    program = made(tmp_path, "haraka") / "bin/haraka"
    assert os.access(program, os.X_OK)
    words = program.read_text().split()
    locked = json.loads((NPM / "package-lock.json").read_text())["packages"]
    for word in words[words.index("exec") + 1 : words.index("exec") + 3]:
        below = word.removeprefix("/usr/lib/debian/npm/")
        assert any(below.startswith(f"{module}/") for module in locked if module), word


def test_every_program_that_the_machines_run_is_there_to_point_into() -> None:
    assert {"caddy", "docker.io", "lego", "minica", "nftables", "unbound", "wireguard-tools"} <= set(packages())
