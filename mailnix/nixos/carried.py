"""Where an emitted flake has mailnix's NixOS modules from: a copy that it carries, or a flake elsewhere.

A copy is the rule: the flake then evaluates on every machine and in every commit of its owner, wherever this mailnix
is, be it a checkout, a virtual environment or the Nix store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from attrs import field, frozen

from mailnix.errors import BuildError
from mailnix.tree import File

PACKAGE: Final = Path(__file__).resolve().parents[1]
INSTALLED: Final = PACKAGE / "nixos" / "shipped"
"""Where a wheel has `modules/` and `flake.lock`, which lie beside the package in a checkout (pyproject.toml)."""
COPY: Final = "/mailnix"
"""The folder of an emitted flake that the copy is in; laid out as the repository is, so that no path changes."""

_BESIDE: Final = re.compile(r"\.\./\.\./(mailnix/[\w./-]+\w)")
_LEFT_OUT: Final = Path("mailnix/package.nix")
"""The mailnix command, which is built from a checkout and of no use on a machine."""


@frozen
class Reference:
    """A flake elsewhere, by a reference that the user gave: `github:…`, `git+file:///…`."""

    url: str


@frozen
class Copy:
    """The modules and what they read, as files below `COPY`, and the nixpkgs of mailnix's lock file as an input."""

    files: tuple[File, ...] = field(repr=False)
    nixpkgs: Mapping[str, str]


Modules: TypeAlias = Reference | Copy


def copied() -> Copy:
    """The modules of this mailnix; raises BuildError where it came without them."""
    home = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent
    folder, lock = home / "modules", home / "flake.lock"
    if not folder.is_dir() or not lock.is_file():
        hint = "install it anew, or set MAILNIX_FLAKE to the reference of mailnix's flake"
        raise BuildError("this mailnix came without its NixOS modules", hint)
    own = {path: f"modules/{path.relative_to(folder)}" for path in _files(folder)}
    own.pop(folder / _LEFT_OUT, None)
    read = {path: str(path.relative_to(PACKAGE.parent)) for module in own for path in _read_by(module)}
    files = tuple(
        File(f"{COPY}/{name}", path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
        for path, name in {**own, **read}.items()
    )
    return Copy(files, _locked(lock))


def _read_by(module: Path) -> Iterator[Path]:
    """What a module takes from the Python package: data, and programs that run on a machine."""
    if module.suffix != ".nix":
        return
    for name in _BESIDE.findall(module.read_text()):
        yield from _files(PACKAGE.parent / name)


def _files(place: Path) -> list[Path]:
    """The file `place`, or all below the folder; raises BuildError where there is none."""
    found = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    if not found:
        raise BuildError(f"{place}, which a NixOS module reads, is not there", "install mailnix anew")
    return [path for path in found if "__pycache__" not in path.parts]


def _locked(lock: Path) -> Mapping[str, str]:
    """nixpkgs as a flake's input by revision and hash, so that it is the same without a lock file."""
    locked = json.loads(lock.read_text())["nodes"]["nixpkgs"]["locked"]
    return {name: str(locked[name]) for name in ("type", "owner", "repo", "rev", "narHash")}
