"""From a plan to the machines' files: trees, written to be read and kept, and Debian packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import BuildError
from mailnix.formats.backend import Backend
from mailnix.plan import Plan
from mailnix.plan.processors import refuse_others

if TYPE_CHECKING:
    from mailnix.image import Progress
    from mailnix.image.packages import Made
    from mailnix.nixos.carried import Modules
    from mailnix.tree import Tree

NIXOS_IS = "NixOS's machines are"


def modules() -> Modules:
    """Where an emitted flake has mailnix's NixOS modules from: $MAILNIX_FLAKE, a reference, or a copy of its own."""
    from mailnix.nixos.carried import Reference, copied

    given = os.environ.get("MAILNIX_FLAKE")
    return Reference(given) if given else copied()


def trees(plan: Plan, backend: Backend) -> Tree:
    """What `mailnix emit` writes: the flake, or a tree for each Debian machine."""
    match backend:
        case Backend.NIXOS:
            from mailnix.nixos.flake import emit

            refuse_others(plan, NIXOS_IS)
            return emit(plan, modules())
        case Backend.DEBIAN:
            from mailnix.debian.emit import emit as emit_debian
            from mailnix.debian.host import debian_hosts

            return emit_debian(debian_hosts(plan))


def emit(plan: Plan, backend: Backend, out: Path, *, diff: bool = False) -> str:
    """Write the machines' files below `out`; with `diff`, write nothing and say what would change.

    Raises BuildError where `out` has what was emitted for another backend.
    """
    from mailnix.write import diff_tree, write_tree

    there = _emitted_for(out)
    if there not in (None, backend):
        hint = f"write into another folder, remove this one, or say --backend {there}"
        raise BuildError(f"{out} has what was emitted with --backend {there}", hint)
    tree = trees(plan, backend)
    if diff:
        return "\n".join(f"{each.kind} {each.path}\n{each.diff}".rstrip() for each in diff_tree(tree, out))
    write_tree(tree, out)
    return ""


def _emitted_for(out: Path) -> Backend | None:
    """The backend that a folder was last written for; None where mailnix wrote nothing there."""
    from mailnix.nixos.flake import FLAKE
    from mailnix.write import written

    paths = written(out)
    if not paths:
        return None
    return Backend.NIXOS if FLAKE in paths else Backend.DEBIAN


def emit_packages(plan: Plan, out: Path, progress: Progress) -> tuple[Made, ...]:
    """Write a Debian package a machine into `out`, and Haraka's: the next generation of what is described otherwise.

    Raises BuildError, ToolMissing.
    """
    from mailnix.debian.host import debian_hosts
    from mailnix.image.packages import write_packages

    refuse_others(plan, "packages are")
    return write_packages(debian_hosts(plan), out, progress=progress)


def local_folder(config: Path, folder: Path | None = None) -> Path | None:
    """Modules that the owner of NixOS machines adds: the folder given, or `local/` beside the description, if any."""
    from mailnix.nixos.flake import LOCAL

    beside = config.resolve().parent / LOCAL
    return folder or (beside if beside.is_dir() else None)


def with_local(plan: Plan, folder: Path | None, progress: Progress) -> Tree:
    """The flake with its owner's modules; says which of them count."""
    from mailnix.nixos.local import added_to, local
    from mailnix.tree import Tree

    flake, names = trees(plan, Backend.NIXOS), [host.name for host in plan.hosts]
    files = () if folder is None else local(folder, names)
    if added := added_to(files, names):
        progress(f"with {', '.join(f'{name}.nix' for name in added)} from {folder}")
    else:
        progress("with no modules of yours: there are none in local/ beside the description, and no --local DIR")
    return Tree.of((*flake, *files))
