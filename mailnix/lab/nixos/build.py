"""Toplevels of NixOS machines, built through stubs, and the disks that they boot from."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import field, frozen

from mailnix.errors import BuildError, CommandFailed
from mailnix.formats.nix_printer import string
from mailnix.image.values import Progress, silent
from mailnix.lab.disks import DISK_SIZE
from mailnix.lab.nixos.nix import Nix
from mailnix.lab.nixos.root import LAYER, Root, ensure_root, root
from mailnix.lab.nixos.tree import ensure_tree, fitted
from mailnix.lab.spec import Kernel
from mailnix.run import Runner, run

FOLDER: Final = "nixos-layer"
"""Below the cache."""
KEPT: Final = 25  # lines of Nix's own message that an error shows
CONSOLE: Final = "root=/dev/vda rw console=ttyS0 audit=0 systemd.show_status=1"


@frozen
class Wanted:
    """What to build: the machines of an emitted flake's folder, and others by their modules.

    `beside` are the folders that those modules read, but for their own. Nothing is fetched, and what would be can be in
    no machine, but for `unfetched`: hashes of what is an empty folder there.
    """

    flake: Path | None = None
    modules: Mapping[str, Sequence[Path]] = field(factory=dict)
    beside: tuple[Path, ...] = ()
    unfetched: tuple[str, ...] = ()

    @property
    def dirs(self) -> tuple[Path, ...]:
        """Folders that Nix reads them from."""
        flake = () if self.flake is None else (self.flake,)
        return (*flake, *self.beside, *(path.parent for paths in self.modules.values() for path in paths))


@frozen
class Layer:
    """Where NixOS's layer is built: a Debian root and a fitted nixpkgs tree."""

    root: Root
    tree: Path
    runner: Runner = run

    @property
    def nix(self) -> Nix:
        """Commands in the root, which see the tree and our expressions."""
        return Nix(self.root.system, (self.tree, LAYER), runner=self.runner)

    def build(self, wanted: Wanted, progress: Progress = silent) -> Mapping[str, str]:
        """Every machine's toplevel, by name, as a path in the root's store; raises BuildError with Nix's own words."""
        made = self._nix_build(wanted, "toplevels", progress)
        found: dict[str, str] = json.loads((self.root.system / made[1:]).read_text())
        return found

    def attribute(self, wanted: Wanted, machine: str, name: str, progress: Progress = silent) -> str:
        """The store path of another derivation of a machine's configuration, by its name below `config`."""
        return self._nix_build(wanted, f"systems.{machine}.config.{name}", progress)

    def path(self, store_path: str) -> Path:
        """Where this machine sees a path of the root's store, links not followed."""
        return self.root.system / store_path.lstrip("/")

    def closure(self, *toplevels: str) -> tuple[str, ...]:
        """Every path of the store that these need, each once."""
        found = self.nix.run("nix-store", "--query", "--requisites", *toplevels).stdout.split()
        return tuple(dict.fromkeys(found))

    def kernel(self, toplevel: str) -> Kernel:
        """How to boot a toplevel from a disk of `disk`: directly, with Debian's kernel."""
        return Kernel(self.root.kernel, self.root.initrd, f"{CONSOLE} init={toplevel}/init")

    def disk(self, target: Path, toplevel: str, others: Sequence[str] = ()) -> Path:
        """Write the raw disk of a machine: Debian's /usr, the closures of its toplevel and of `others`."""
        partial = target.with_name(f".{target.name}.new")
        target.parent.mkdir(parents=True, exist_ok=True)
        words = [str(partial), DISK_SIZE, toplevel, *self.closure(toplevel, *others)]
        with tempfile.TemporaryDirectory(prefix="disk-", dir=self.root.folder) as work:  # others use the root, too
            try:
                self.runner(["sh", LAYER / "disk.sh", self.root.system, f"{work}/content", *words])
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        return target

    def _nix_build(self, wanted: Wanted, attribute: str, progress: Progress) -> str:
        built = 0

        def tell(line: str) -> None:
            nonlocal built
            if line.startswith("building '/nix/store/"):
                built += 1
                if built % 25 == 0:
                    progress(f"NixOS's layer: {built} derivations built")

        words = ("nix-build", "--no-out-link", "--cores", "2", "--max-jobs", "2", "--attr", attribute, "-E")
        try:
            done = self.nix.seeing(wanted.dirs).run(*words, expression(self.tree, wanted), on_line=tell)
        except CommandFailed as error:
            shown = "\n".join(error.last_lines.strip().splitlines()[-KEPT:])
            hint = "the lines above are Nix's own; they name the option, or the derivation that failed"
            raise BuildError(f"NixOS's layer could not be built\n{shown}", hint) from None
        return done.stdout.strip()


def ensure_possible(nixpkgs: Path, user: int | None = None) -> None:
    """Raise BuildError where the layer cannot be built by `user` (ourselves), by what a look can tell."""
    # sudo hands on no variable that would name the tree.
    ensure_root(f"sudo mailnix … --nixpkgs {shlex.quote(str(nixpkgs))}", user)
    ensure_tree(nixpkgs)


def layer(nixpkgs: Path, cache: Path, runner: Runner = run, progress: Progress = silent) -> Layer:
    """Make, or take from the cache, what NixOS's layer is built in; raises ToolMissing or BuildError."""
    place = cache / FOLDER
    return Layer(root(place, runner, progress), fitted(nixpkgs, place, progress), runner)


def expression(tree: Path, wanted: Wanted) -> str:
    """What nix-build is given."""
    flake = "null" if wanted.flake is None else _path(wanted.flake)
    modules = "".join(f" {string(name)} = [ {' '.join(map(_path, paths))} ];" for name, paths in wanted.modules.items())
    unfetched = "".join(f" {string(sri)}" for sri in wanted.unfetched)
    arguments = f"tree = {_path(tree)}; flake = {flake}; modules = {{{modules} }}; unfetched = [{unfetched} ];"
    return f"import {_path(LAYER / 'build.nix')} {{ {arguments} }}"


def _path(path: Path) -> str:
    """A path as Nix reads it, whatever characters it has."""
    return f"(/. + {string(str(path.resolve()))})"
