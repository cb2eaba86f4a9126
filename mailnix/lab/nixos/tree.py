"""A nixpkgs tree, copied and fitted: it evaluates where it is a partial one, and lets `layer/stub.nix` decide.

A tree that one can have without the network of nixpkgs may lack generated files and have modules commented out. A whole
one is changed in one line only: where make-derivation.nix calls `derivation`, it calls our hook.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mailnix.errors import BuildError
from mailnix.image.cache import locked, scratch
from mailnix.image.values import Progress, silent
from mailnix.lab.nixos.root import forget

FORMAT_VERSION: Final = 1
"""Raise it when a tree is fitted in another way."""

EVAL: Final = "nixos/lib/eval-config.nix"
MODULES: Final = "nixos/modules/module-list.nix"
PACKAGES: Final = "pkgs/top-level/all-packages.nix"
HACKAGE: Final = "pkgs/development/haskell-modules/hackage-packages.nix"
MAKE_DERIVATION: Final = "pkgs/stdenv/generic/make-derivation.nix"
WANTED_UNITS: Final = "wanted-units"
"""A file in a fitted tree: units that its modules may take from systemd's package (see `layer/stub.sh`)."""

STAND_INS: Final[Mapping[str, str]] = {
    "pkgs/desktops/gnome/extensions/extensions.json": "{}\n",
    "pkgs/development/r-modules/cran-packages.json": '{"snapshot":"","packages":{}}\n',
    HACKAGE: "{ ... }: self: { }\n",
}
"""Large generated files that a partial tree may lack, and what is enough in their place."""

_CALL: Final = "(derivation (derivationArg"
_HOOKED: Final = "((config.stubDerivation or (_: derivation)) attrs (derivationArg"
_SHELLCHECK: Final = (
    'stdenvNoCC.mkDerivation { pname = "ShellCheck"; version = "0-placeholder"; dontUnpack = true; '
    'passthru.compiler.bootstrapAvailable = false; meta.mainProgram = "shellcheck"; };'
)
_UNIT: Final = re.compile(r'"([A-Za-z0-9@._\\-]+\.(?:service|socket|target|mount|timer|path|slice|automount|wants))"')
_UPSTREAM: Final = re.compile(r"[uU]pstream(System|User)Units")


def fitted(tree: Path, cache: Path, progress: Progress = silent) -> Path:
    """The fitted copy of a nixpkgs tree, from the cache if it is there; raises BuildError where `tree` is none."""
    ensure_tree(tree)
    key = fingerprint(tree)
    store = cache / "nixpkgs"
    made = store / key
    with locked(store / "lock", progress):
        if not made.exists():
            progress(f"nixpkgs: copying {tree} and fitting it")
            forget(store, progress)
            with scratch(store, key) as work:
                shutil.copytree(tree, work / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git"))
                fit(work / "tree")
                (work / "tree").rename(made)
        made.touch()
    return made


def ensure_tree(tree: Path) -> None:
    """Raise BuildError where `tree` is none."""
    if not is_tree(tree):
        raise BuildError(f"{tree} is no nixpkgs tree", "give the folder that holds nixos/ and pkgs/ of nixpkgs")


def is_tree(folder: Path) -> bool:
    """Whether it is nixpkgs, as far as we need it."""
    return (folder / EVAL).is_file()


def fingerprint(tree: Path) -> str:
    """Names a tree by every file's path, size and time, which takes a second; reading them all takes a minute."""
    digest = hashlib.sha256(f"{FORMAT_VERSION}".encode())
    for path, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(files):
            found = (Path(path) / name).lstat()
            digest.update(f"{path}/{name} {found.st_size} {found.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]


def fit(tree: Path) -> None:
    """Change a tree that is ours to change; raises BuildError where nixpkgs has changed too much for it."""
    _restore_modules(tree / MODULES)
    _stand_in(tree)
    _hook(tree / MAKE_DERIVATION)
    (tree / WANTED_UNITS).write_text("".join(f"{unit}\n" for unit in wanted_units(tree / "nixos/modules")))


def _restore_modules(path: Path) -> None:
    """Bring back modules that are commented out though their file is there."""

    def back(match: re.Match[str]) -> str:
        return match[1] + match[2] if (path.parent / match[2]).exists() else match[0]

    path.write_text(re.sub(r"(?m)^(\s*)#\s*(\./\S+)", back, path.read_text()))


def _stand_in(tree: Path) -> None:
    missing = [name for name in STAND_INS if (tree / name).parent.is_dir() and not (tree / name).exists()]
    for name in missing:
        (tree / name).write_text(STAND_INS[name])
    if HACKAGE in missing:  # which defines ShellCheck
        path = tree / PACKAGES
        text = path.read_text()
        text = re.sub(r"\n  shellcheck = callPackage .*?\n  \};", f"\n  shellcheck = {_SHELLCHECK}", text, flags=re.S)
        text = re.sub(
            r"\n  shellcheck-minimal = haskell[^;]*;", f"\n  shellcheck-minimal = {_SHELLCHECK}", text, flags=re.S
        )
        path.write_text(text)


def _hook(path: Path) -> None:
    text = path.read_text()
    if text.count(_CALL) != 1:
        raise BuildError(
            f"{path} does not call `derivation` as it is known to",
            "this nixpkgs is newer than this mailnix: use an older tree, or see mailnix/lab/nixos/tree.py",
        )
    path.write_text(text.replace(_CALL, _HOOKED))


def wanted_units(modules: Path) -> tuple[str, ...]:
    """Names of units in every module that speaks of systemd's own ones."""
    return tuple(sorted({unit for text in _speaking(modules) for unit in _UNIT.findall(text)}))


def _speaking(modules: Path) -> Iterator[str]:
    for path in modules.rglob("*.nix"):
        text = path.read_text()
        if _UPSTREAM.search(text):
            yield text
