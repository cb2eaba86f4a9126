"""A plan's NixOS machines for the lab: the emitted flake, the fake Mailcow in Mailcow's place, and disks of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from mailnix.errors import BuildError
from mailnix.formats.nix import Attrs, Lambda, Raw, mk_force, option
from mailnix.formats.nix import Entry as Definition
from mailnix.formats.nix_printer import render, string
from mailnix.image import nix as images
from mailnix.image.cache import cache_dir
from mailnix.image.values import Format, Progress
from mailnix.lab.disks import IMAGES
from mailnix.lab.internet.trust import UNBOUND
from mailnix.lab.nixos import build
from mailnix.lab.nixos.build import Layer, Wanted, layer
from mailnix.lab.nixos.root import LAYER, key
from mailnix.lab.nixos.tree import fingerprint
from mailnix.lab.spec import Made
from mailnix.nar import nar_hash
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.nixos.local import local
from mailnix.plan import Plan
from mailnix.run import Runner, run
from mailnix.services.credentials import names
from mailnix.services.haraka.values import PUBLIC_AUTHORITIES
from mailnix.tree import Entry, File, Link, Tree
from mailnix.write import write_tree

FLAKE: Final = "flake"
MAILCOW: Final = "mailcow"
LAB: Final = "lab"
BUNDLE: Final = option(
    "environment.etc",
    {PUBLIC_AUTHORITIES.removeprefix("/etc/"): {"source": mk_force(names.NIXOS_BUNDLE)}},
    "Haraka and containers trust the seed disk's authorities; Debian's disk adds them to this file.",
)


def machines(
    plan: Plan,
    nixpkgs: Path | None,
    mailcow: Path | None,
    owners: Path | None,
    state_dir: Path,
    progress: Progress,
    runner: Runner = run,
) -> dict[str, Made]:
    """Every machine by name: NixOS's layer where a nixpkgs tree is given, else images by a nix that really builds.

    `mailcow` is the tree in Mailcow's place, `owners` the folder of what their owner adds. Raises BuildError.
    """
    place, folder = state_dir / FLAKE, state_dir / IMAGES
    write_tree(flake(plan, mailcow, owners), place)
    if nixpkgs is not None:
        return of_layer(layer(nixpkgs, cache_dir(), runner, progress), Wanted(place), folder, progress)
    hosts = [host.name for host in plan.hosts]
    made = images.build_flake(place, hosts, Format.RAW, folder, progress, runner)
    return {entry.host: Made(folder / entry.file) for entry in made.images if entry.host in hosts}


def ensure_possible(plan: Plan, nixpkgs: Path | None, owners: Path | None, runner: Runner = run) -> None:
    """Raise BuildError where `machines` cannot succeed, by what a look can tell."""
    if owners is not None:
        local(owners, [host.name for host in plan.hosts])
    if nixpkgs is not None:
        build.ensure_possible(nixpkgs)
        return
    try:
        images.check(runner)
    except BuildError as error:
        named = "name a nixpkgs tree with --nixpkgs"
        raise BuildError(error.message, f"{error.hint}, or {named}" if error.hint else named) from None


def inputs(plan: Plan, nixpkgs: Path | None, owners: Path | None) -> Iterator[str]:
    """What the machines are made of, beside Mailcow's tree: other words for other machines."""
    for file in flake(plan, None, owners).files:
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


def flake(plan: Plan, mailcow: Path | None, owners: Path | None) -> Tree:
    """What `mailnix emit --backend nixos` writes, with what the owner adds (a folder) and what the lab does."""
    hosts = [host.name for host in plan.hosts]
    modules = {proxy.name: resolver_module() for proxy in plan.proxies}
    if mailcow is not None:
        modules[plan.internal.name] = mailcow_module(nar_hash(mailcow), BUNDLE)
    theirs = () if owners is None else local(owners, hosts)
    entries = [File(f"/{LAB}/{name}.nix", text) for name, text in modules.items()]
    tree = () if mailcow is None else _below(mailcow, f"/{LAB}/{MAILCOW}")
    return Tree.of((*emit(plan, copied(), (LAB,)), *theirs, *entries, *tree))


def resolver_module() -> str:
    """A proxy's unbound trusts the lab's root of DNS, whose key `internet.trust` tells it when the lab runs."""
    values = Attrs(
        (
            option("services.unbound.enableRootTrustAnchor", False),
            option("services.unbound.settings.include", f"{PurePosixPath(UNBOUND).parent}/*.conf"),
            BUNDLE,
        )
    )
    return render(Lambda(("lib",), values))


def mailcow_module(tree_hash: str, *others: Definition) -> str:
    """services.mailcow with a tree beside the module, checked as one that was fetched; and other definitions."""
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
            *others,
        )
    )
    return render(Lambda(("lib", "pkgs"), values))


def _below(folder: Path, at: str) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        there = f"{at}/{path.relative_to(folder)}"
        if path.is_symlink():
            yield Link(there, str(path.readlink()))
        elif path.is_file():
            yield File(there, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
