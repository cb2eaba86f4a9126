"""NixOS's own switch-to-configuration, which activates a generation on a machine that runs.

It is the nixpkgs tree's program (Rust). There is no registry of crates here, so it is built with Debian's compiler and
Debian's crates. What differs: its D-Bus bindings are written by hand (beside this file), and two options of rust-ini,
which are off, are left out, for Debian's version does not have them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Final

from mailnix.errors import BuildError, CommandFailed
from mailnix.image import bootstrap, debs
from mailnix.image.base import explained
from mailnix.image.cache import locked, need_space, scratch
from mailnix.image.values import MIB, Progress, silent
from mailnix.lab.nixos.nix import Nix
from mailnix.lab.nixos.root import argv, forget
from mailnix.run import Runner, require, run

SOURCE: Final = "pkgs/by-name/sw/switch-to-configuration-ng/src/main.rs"
"""In a nixpkgs tree."""
PARTS: Final = Path(__file__).parent
NAMES: Final = ("Cargo.toml", "build.rs", "bindings/logind_manager.rs", "bindings/systemd_manager.rs")
PROGRAM: Final = "switch-to-configuration"
PLACE: Final = f"/usr/lib/debian/{PROGRAM}"
"""Where the stub of nixpkgs' package looks for the program on a machine (`layer/stub.sh`)."""
FORMAT_VERSION: Final = 1
SPACE_NEEDED: Final = 3 * 1024 * MIB
KEPT: Final = 25  # lines of cargo's own message that an error shows

_UNKNOWN: Final = re.compile(
    r"(?m)^ *enabled_(?:indented_mutiline_value|preserve_key_leading_whitespace): false,\n",
)
"""Fields of rust-ini's ParseOption that came after Debian's version; off, they mean what it does anyhow."""
_CRATES: Final = (
    *("--config", 'source.crates-io.replace-with = "debian"'),
    *("--config", 'source.debian.directory = "/usr/share/cargo/registry"'),
)


def packages() -> tuple[str, ...]:
    """Debian's packages that it is built with."""
    return tuple((PARTS / "packages.txt").read_text().split())


def fit(text: str) -> str:
    """The program's source as Debian's crates can build it."""
    return _UNKNOWN.sub("", text)


def key(tree: Path) -> str:
    """Names the program of a tree: other when anything that goes into it changes."""
    parts = [(PARTS / name).read_text() for name in NAMES]
    inputs = [FORMAT_VERSION, bootstrap.SUITE, packages(), parts, _CRATES, fit(_source(tree).read_text())]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def program(tree: Path, cache: Path, runner: Runner = run, progress: Progress = silent) -> Path:
    """The program of a nixpkgs tree, from the cache if it is there (2 to 5 minutes else). Raises BuildError."""
    store = cache / "switch"
    made = store / key(tree) / PROGRAM
    with locked(store / "lock", progress):
        if not made.exists():
            require("mmdebstrap", "mmdebstrap")
            store.mkdir(parents=True, exist_ok=True)
            forget(store, progress)
            need_space(store, SPACE_NEEDED)
            with scratch(store, made.parent.name) as work:
                _make(tree, work, cache.parent / "debs", runner, progress)
                (work / "made").rename(made.parent)
        made.parent.touch()
    return made


def build_argv(source: Path) -> list[str]:
    """Build the program in its folder, from crates that are there."""
    return ["cargo", "build", "--offline", "--manifest-path", str(source / "Cargo.toml"), *_CRATES]


def _source(tree: Path) -> Path:
    path = tree / SOURCE
    if not path.is_file():
        raise BuildError(f"{tree} has no {SOURCE}", "give a nixpkgs tree of 25.05 or newer")
    return path


def _make(tree: Path, work: Path, kept: Path, runner: Runner, progress: Progress) -> None:
    root, source, made = work / "root", work / "source", work / "made"
    for name in NAMES:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PARTS / name, source / name)
    (source / "src").mkdir()
    (source / "src/main.rs").write_text(fit(_source(tree).read_text()))
    progress(f"{PROGRAM}: installing Debian's Rust, {len(packages())} packages and what they need")
    lines: list[str] = []
    try:
        with debs.shared(kept, work / "debs") as fetched:
            runner(argv(root, fetched, packages()), on_line=lines.append, env=bootstrap.hooks_env())
    except CommandFailed as failure:
        raise explained(lines) from failure
    progress(f"{PROGRAM}: building it (a minute or two)")
    try:
        Nix(root, (source,), settings="", runner=runner).run(*build_argv(source))
    except CommandFailed as failure:
        shown = "\n".join(failure.last_lines.strip().splitlines()[-KEPT:])
        hint = "the lines above are the compiler's own; this nixpkgs may be newer than this mailnix"
        raise BuildError(f"{PROGRAM} of {tree} could not be built\n{shown}", hint) from None
    made.mkdir()
    shutil.copy2(source / f"target/debug/{PROGRAM}", made / PROGRAM)
