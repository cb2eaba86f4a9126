"""What `mailnix build` hands on: to nix the flake, with its owner's modules; and Mailcow's images, on their disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.image.test_archives import NAMES, archive, old

# Keeps the flake that it is asked to build, and goes no further.
NIX = """\
#!/bin/sh
case "$*" in
  --version) echo "nix (Nix) 2.26.3" ;;
  *--raw*) for word; do case $word in path:*) flake=${word#path:}; cp -r "${flake%%#*}" @seen@ ;; esac; done; exit 1 ;;
esac
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the flake is that nix was asked to build."""
    nix = tmp_path / "bin/nix"
    nix.parent.mkdir()
    nix.write_text(NIX.replace("@seen@", str(tmp_path / "seen")))
    nix.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nix.parent}:{os.environ['PATH']}")
    return tmp_path / "seen"


def additions(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "proxy.nix").write_text("{ networking.firewall.allowedTCPPorts = [ 8080 ]; }")
    return folder


def test_modules_beside_the_description_are_built_in(mailnix: Run, config: Path, tmp_path: Path, seen: Path) -> None:
    folder = additions(config.parent / "local")
    said = mailnix("build", config, "--backend", "nixos", "--out", tmp_path / "out")
    assert (seen / "local/proxy.nix").read_text() == (folder / "proxy.nix").read_text()
    assert (seen / "hosts/proxy/default.nix").is_file()
    assert f"with proxy.nix from {folder}" in said.err


def test_those_of_a_flake_that_was_emitted_are_named(mailnix: Run, config: Path, tmp_path: Path, seen: Path) -> None:
    machines = tmp_path / "machines"
    mailnix("emit", config, "--backend", "nixos", "--out", machines)
    folder = additions(machines / "local")
    assert mailnix("emit", config, "--backend", "nixos", "--out", machines).status == 0
    assert (folder / "proxy.nix").is_file()  # emission again leaves it
    mailnix("build", config, "--backend", "nixos", "--local", folder, "--out", tmp_path / "out")
    assert (seen / "local/proxy.nix").is_file()


def test_machines_without_modules_of_their_owner_are_said_to_have_none(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path
) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--out", tmp_path / "out")
    assert not (seen / "local").exists()
    assert "with no modules of yours" in said.err


def test_debians_machines_take_no_modules(mailnix: Run, config: Path, tmp_path: Path) -> None:
    said = mailnix("build", config, "--local", additions(tmp_path / "local"), "--out", tmp_path / "out")
    assert said.status == 2
    assert "--local is for --backend nixos" in said.err


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A Mailcow that runs two images."""
    folder = tmp_path / "tree"
    folder.mkdir()
    images = "".join(f"  s{number}:\n    image: {name}\n" for number, name in enumerate(NAMES))
    (folder / "docker-compose.yml").write_text(f"services:\n{images}")
    return folder


def test_images_that_were_saved_elsewhere_come_on_a_disk(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path, tree: Path
) -> None:
    files = [archive(tmp_path / f"{number}.tar", old((name,))) for number, name in enumerate(NAMES)]
    words = [word for file in files for word in ("--mailcow-images", file)]
    how = ("--backend", "nixos", "--format", "raw", "--mailcow-source", tree, "--out", tmp_path / "out")
    said = mailnix("build", config, *how, *words)
    assert f"Mailcow's images are on {tmp_path / 'out/mailcow-images.raw'}: attach it to internal" in said.err
    assert "no digest is pinned of 2 images" in said.err
    assert seen.is_dir()  # the machines come next


def test_nothing_is_built_where_an_image_is_missing(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path, tree: Path
) -> None:
    file = archive(tmp_path / "0.tar", old(NAMES[:1]))
    how = ("--backend", "nixos", "--mailcow-source", tree, "--out", tmp_path / "out", "--mailcow-images", file)
    said = mailnix("build", config, *how)
    assert (said.status, f"lack 1 of 2 images: {NAMES[1]}" in said.err) == (1, True)
    assert not seen.exists()


def test_archives_are_for_mailcow_itself(mailnix: Run, config: Path, tmp_path: Path) -> None:
    said = mailnix("lab", "run", config, "--mailcow-images", tmp_path / "a.tar")
    assert (said.status, "--mailcow-images is for --mailcow real" in said.err) == (2, True)
