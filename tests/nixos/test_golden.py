"""The texts of the built machines (tests/nixos/golden) are those of this tree, and mean what the emission says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from mailnix.image.cache import cache_dir
from mailnix.lab.nixos.build import layer
from tests.nixos import golden
from tests.nixos.regenerate import REPOSITORY

AGAIN = "review what it changes: MAILNIX_NIXPKGS=/path/to/nixpkgs python -m tests.nixos.golden"
MACHINES = ("internal", "proxy")


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, str]]:
    return golden.kept()


def test_nothing_that_machines_are_made_of_has_changed_since_they_were_built() -> None:
    was = json.loads(golden.INPUTS.read_text())
    now = golden.inputs()
    changed = sorted(path for path in {*was, *now} if was.get(path) != now.get(path))
    assert not changed, f"{', '.join(changed)}: {AGAIN}"


def test_a_rebuild_gives_the_same_texts(nixpkgs: Path, tmp_path: Path, kept: dict[str, dict[str, str]]) -> None:
    if os.geteuid() != 0:
        pytest.skip("NixOS's layer is built in a root that only root can enter")
    found = golden.built(layer(nixpkgs, cache_dir()), tmp_path)
    for machine in MACHINES:
        assert sorted(found[machine]) == sorted(kept[machine]), AGAIN
        for path, text in found[machine].items():
            assert text == kept[machine][path], f"{machine}/{path}: {AGAIN}"


@pytest.mark.parametrize(
    ("machine", "emitted", "built"),
    [
        ("internal", "firewall.nft", "store/nftables-rules"),
        ("proxy", "firewall.nft", "store/nftables-rules"),
        ("proxy", "Caddyfile", "etc/caddy/caddy_config"),
    ],
)
def test_nixos_loses_no_line_of_what_is_emitted(
    machine: str, emitted: str, built: str, kept: dict[str, dict[str, str]]
) -> None:
    there = {line.strip() for line in kept[machine][built].splitlines()}
    for line in (REPOSITORY / "hosts" / machine / emitted).read_text().splitlines():
        assert not line.strip() or line.strip().startswith("#") or line.strip() in there, line


@pytest.mark.parametrize("machine", MACHINES)
def test_our_units_start_programs_of_the_store_alone(machine: str, kept: dict[str, dict[str, str]]) -> None:
    ours = [
        path
        for path in kept[machine]
        if re.fullmatch(r"etc/systemd/system/(mailnix|haraka|mailcow)[^/]*\.service", path)
    ]
    assert len(ours) > 4
    for path in ours:
        for program in re.findall(r"(?m)^Exec\w+=[-+!@:|]*\"?(\S+)", kept[machine][path]):
            assert program.startswith("/nix/store/"), f"{path}: {program}"


@pytest.mark.parametrize("machine", MACHINES)
def test_no_hash_of_a_store_path_is_kept(machine: str, kept: dict[str, dict[str, str]]) -> None:
    assert not [path for path, text in kept[machine].items() if golden.PINNED.search(text)]
