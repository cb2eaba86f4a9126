"""The stub in the place of a program: what its output has, made by the script that Nix runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailnix.errors import CommandFailed
from mailnix.image.bootstrap import NPM
from mailnix.lab.nixos.root import LAYER, packages
from mailnix.run import run


def made(folder: Path, pname: str, output: str = "out", **more: str) -> Path:
    """An output of the package's stub; `folder` is in the place of what fit.sh moves aside."""
    out = folder / pname
    env = {"name": pname, "pname": pname, "outputs": output, output: str(out), "aside": str(folder), **more}
    run(["bash", LAYER / "stub.sh"], env=env)
    return out


def programs(stub: Path) -> set[str]:
    """What a unit finds that has the package in its PATH."""
    return {path.name for path in (stub / "bin").iterdir()}


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """What Debian's packages hold; this machine has the same programs."""
    (tmp_path / "lists").mkdir()
    for package, held in {
        "grep": ("/usr/bin/grep", "/usr/share/man"),
        "bash": ("/usr/bin/bash", "/usr/share/bash"),
        "libc-bin": ("/usr/bin/getent", "/usr/bin/ldd"),
    }.items():
        (tmp_path / f"lists/{package}").write_text("".join(f"{path}\n" for path in held))
    return tmp_path


def test_a_package_that_debian_calls_alike_has_that_ones_programs(aside: Path) -> None:
    assert programs(made(aside, "grep")) == {"grep"}


def test_a_package_that_debian_calls_otherwise_has_its_programs_and_what_nixpkgs_adds(aside: Path) -> None:
    assert programs(made(aside, "bash-interactive")) == {"bash", "sh"}


def test_an_unknown_package_has_what_is_called_like_it_and_what_it_is_for(aside: Path) -> None:
    assert programs(made(aside, "env")) == {"env"}
    assert programs(made(aside, "some-tools", main="cut")) == {"cut"}
    assert programs(made(aside, "nobody-knows-it")) == set()


def test_getent_is_in_its_own_output_alone(aside: Path) -> None:
    assert programs(made(aside, "glibc", "getent")) == {"getent"}
    assert programs(made(aside, "glibc-nolibgcc", "bin")) == {"ldd"}


def test_no_package_has_all_of_debians_programs(aside: Path) -> None:
    for pname in ("python3", "unbound", "which", "gcc-14", "sudo"):
        assert not (made(aside, pname) / "bin").is_symlink()


def test_what_is_fetched_can_be_in_no_machine(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"page\.html is fetched from the internet"):
        made(tmp_path, "page.html", fetched="refused")
    assert list(made(tmp_path, "tree", fetched="empty").iterdir()) == []


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
    started = {"caddy", "dehydrated", "docker.io", "lego", "minica", "nftables", "unbound", "wireguard-tools"}
    assert {*started, "unbound-anchor"} <= set(packages())


def test_what_nixpkgs_wraps_finds_what_it_calls(tmp_path: Path) -> None:
    program = made(tmp_path, "dehydrated") / "bin/dehydrated"
    assert os.access(program, os.X_OK)
    assert f"PATH=$PATH:{tmp_path}/bin exec /usr/bin/dehydrated " in program.read_text()


@pytest.mark.parametrize("said_by", ["the unit", "a script"])
def test_a_path_with_all_programs_or_with_none_of_a_package_is_refused(tmp_path: Path, said_by: str) -> None:
    known, unknown, everything = (tmp_path / f"store/{name}/bin" for name in ("grep", "unknown", "everything"))
    for folder in (known, unknown, tmp_path / "debian/bin"):
        folder.mkdir(parents=True)
    (known / "grep").touch()
    everything.parent.mkdir()
    everything.symlink_to(tmp_path / "debian/bin")
    (tmp_path / "units").mkdir()

    def look(*folders: Path) -> None:
        path = f"PATH={':'.join(map(str, folders))}"
        script = tmp_path / "store/script"
        script.write_text(f"#!/bin/sh\nexport {path}\n" if said_by == "a script" else "\x7fELF")
        lines = ("[Service]", f'Environment="{path}"' if said_by == "the unit" else "", f"ExecStart={script} word")
        (tmp_path / "units/haraka-in.service").write_text("\n".join(lines))
        env = {"store": str(tmp_path / "store"), "aside": str(tmp_path / "debian")}
        run(["sh", LAYER / "paths.sh", tmp_path / "units"], env=env)

    look(known)
    with pytest.raises(CommandFailed, match=r"haraka-in\.service: .*/unknown/bin, which has no program"):
        look(known, unknown)
    with pytest.raises(CommandFailed, match=r"haraka-in\.service: .*/everything/bin, which leads to all of Debian's"):
        look(everything, known)
