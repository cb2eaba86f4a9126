"""What a machine's owner adds to the emitted flake: the folder `local`, in which NAME.nix is a module of machine NAME.

In a flake that was emitted once and committed it stands beside `hosts`, and emission never touches it. For `mailnix
build`, which emits anew, it comes from where its owner keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mailnix.errors import BuildError
from mailnix.nixos.flake import LOCAL
from mailnix.tree import Entry, File


def local(folder: Path, names: Sequence[str]) -> tuple[File, ...]:
    """The files of `folder` as they stand in the flake, where one is a module of a machine in `names`; else none.

    A link is what it leads to. Raises BuildError where the folder cannot be taken whole, or has modules of no machine.
    """
    if not folder.is_dir():
        raise BuildError(f"{folder} is no folder", "name the one that has NAME.nix for each machine that you add to")
    modules = sorted(path.stem for path in folder.glob("*.nix"))
    if modules and not set(modules) & {*names}:
        raise BuildError(
            f"{folder} has {', '.join(f'{name}.nix' for name in modules)}, and none is of a machine",
            f"the machines are {', '.join(names)}: call the file {names[0]}.nix",
        )
    return tuple(_file(path, folder) for path in _below(folder)) if modules else ()


def added_to(entries: Iterable[Entry], names: Sequence[str]) -> tuple[str, ...]:
    """Which of the machines have a module of their owner's among a flake's files."""
    paths = {entry.path for entry in entries}
    return tuple(name for name in names if f"/{LOCAL}/{name}.nix" in paths)


def _below(folder: Path) -> list[Path]:
    """Every file, but for git's own."""
    found = [path for path in sorted(folder.rglob("*")) if ".git" not in path.relative_to(folder).parts]
    for path in found:
        if path.is_symlink() and not path.is_file():
            raise BuildError(f"{path} is a link to no file", "put what it leads to in its place")
    return [path for path in found if path.is_file()]


def _file(path: Path, folder: Path) -> File:
    try:
        data, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}", "let yourself read it, or move it away") from None
    return File(f"/{LOCAL}/{path.relative_to(folder)}", data, 0o755 if mode & 0o100 else 0o644)
