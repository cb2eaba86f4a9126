"""A plan's NixOS machines for the lab: the emitted flake, the fake Mailcow in Mailcow's place, and disks of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.formats.nix import Attrs, Raw, option
from mailnix.formats.nix_printer import render, string
from mailnix.image import nix as images
from mailnix.image.cache import cache_dir
from mailnix.image.values import Format, Progress
from mailnix.lab.nixos.build import Layer, Wanted, layer
from mailnix.lab.nixos.root import LAYER, key
from mailnix.lab.nixos.tree import fingerprint
from mailnix.lab.spec import Made
from mailnix.nar import nar_hash
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import LOCAL, emit
from mailnix.plan import Plan
from mailnix.run import Runner, run
from mailnix.tree import Entry, File, Link, Tree
from mailnix.write import write_tree

FLAKE: Final = "flake"
MAILCOW: Final = "mailcow"


def machines(
    plan: Plan,
    nixpkgs: Path | None,
    mailcow: Path | None,
    state_dir: Path,
    progress: Progress,
    runner: Runner = run,
) -> dict[str, Made]:
    """Every machine by name: NixOS's layer where a nixpkgs tree is given, else images by a nix that really builds.

    `mailcow` is the tree in Mailcow's place. Raises BuildError.
    """
    flake = write_flake(plan, mailcow, state_dir / FLAKE)
    folder = state_dir / "images"
    if nixpkgs is not None:
        return of_layer(layer(nixpkgs, cache_dir(), runner, progress), Wanted(flake), folder, progress)
    names = [host.name for host in plan.hosts]
    made = images.build_flake(flake, names, Format.RAW, folder, progress, runner)
    return {entry.host: Made(folder / entry.file) for entry in made.images if entry.host in names}


def inputs(plan: Plan, nixpkgs: Path | None) -> Iterator[str]:
    """What the machines are made of, beside Mailcow's tree: other words for other machines."""
    for file in emit(plan, copied()).files:
        yield f"{file.path} {hashlib.sha256(file.data).hexdigest()}"
    if nixpkgs is not None:
        yield key()
        yield fingerprint(nixpkgs)
        for path in sorted(LAYER.iterdir()):
            yield f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def of_layer(layer: Layer, wanted: Wanted, folder: Path, progress: Progress) -> dict[str, Made]:
    """Build toplevels through stubs, and a disk of each that is not there already."""
    progress("NixOS's layer: evaluating and building (a minute; seconds where little has changed)")
    tops = layer.build(wanted, progress)
    return {name: Made(disk_of(layer, name, top, folder, progress), layer.kernel(top)) for name, top in tops.items()}


def disk_of(layer: Layer, name: str, top: str, folder: Path, progress: Progress) -> Path:
    """The machine's disk in `folder`, made anew where it is of another toplevel or another root."""
    disk, note = folder / f"{name}.raw", folder / f"{name}.toplevel"
    said = f"{layer.root.folder.name} {top}\n"
    if not disk.exists() or not note.exists() or note.read_text() != said:
        progress(f"{name}: making its disk")
        note.unlink(missing_ok=True)
        layer.disk(disk, top)
        note.write_text(said)
    return disk


def write_flake(plan: Plan, mailcow: Path | None, folder: Path) -> Path:
    """Write what `mailnix emit --backend nixos` writes, and the tree in Mailcow's place as its owner would add it."""
    tree = emit(plan, copied())
    if mailcow is not None:
        name = plan.internal.name
        added = (
            File(f"/{LOCAL}/{name}.nix", mailcow_module(nar_hash(mailcow))),
            *_below(mailcow, f"/{LOCAL}/{MAILCOW}"),
        )
        tree = Tree.of((*tree, *added))
    write_tree(tree, folder)
    return folder


def mailcow_module(tree_hash: str) -> str:
    """services.mailcow with a tree that lies beside the module, checked as one that was fetched."""
    source = f"""pkgs.runCommand "mailcow" {{
    outputHash = {string(tree_hash)};
    outputHashMode = "recursive";
    passthru = {{
      rev = {string(tree_hash)};
      gitRepoUrl = "";
    }};
  }} "cp -r ${{./{MAILCOW}}} $out\""""
    values = Attrs(
        (
            option("services.mailcow.version", "the lab's"),
            option("services.mailcow.source", Raw(source)),
        )
    )
    return f"{{ pkgs, ... }}:\n{render(values)}"


def _below(folder: Path, at: str) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        there = f"{at}/{path.relative_to(folder)}"
        if path.is_symlink():
            yield Link(there, str(path.readlink()))
        elif path.is_file():
            yield File(there, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
