"""A real Nix for the tests: the one on this machine, or Debian 13's in a small root that is made once and cached.

`MAILNIX_NIX_ROOT` names a root to use; without it the root lives in the user's cache folder. `MAILNIX_NIXPKGS` names a
nixpkgs tree; tests that evaluate against it skip where it is not set.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mailnix.lab.nixos.root import LAYER

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = """experimental-features = nix-command flakes
build-users-group =
substituters =
allow-import-from-derivation = false
warn-dirty = false
"""


Evaluate: TypeAlias = "Callable[..., Any]"
"""What machines or modules evaluate to, as JSON gives it; attributes of tests/nixos/eval.nix."""


class Nix:
    """Runs Nix commands on real paths; `root` is None where this machine has a Nix of its own."""

    def __init__(self, root: Path | None) -> None:
        self.root = root

    def run(
        self, *argv: str, cwd: Path = REPOSITORY, timeout: float = 600, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; the working directory, the repository and /tmp are visible."""
        environment = {**os.environ, "NIX_CONFIG": SETTINGS, "NIX_PATH": ""}
        command = list(argv)
        if self.root is not None:
            tree = os.environ.get("MAILNIX_NIXPKGS")
            seen = ("/tmp", str(REPOSITORY), str(cwd), *((tree,) if tree else ()))
            enter = ("sh", str(LAYER / "enter.sh"), str(self.root), str(cwd), "\n".join(dict.fromkeys(seen)))
            command = ["unshare", "--mount", "--propagation", "private", *enter, *argv]
        return subprocess.run(
            command, cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout
        )

    def eval(self, expression: str) -> Any:
        """What an expression evaluates to, as JSON gives it."""
        done = self.run("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "-", stdin=expression)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def parse(self, *files: Path) -> None:
        """Fail with Nix's own message where a file is no Nix."""
        done = self.run("nix-instantiate", "--parse", *map(str, files))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def nix() -> Nix:
    return found()


def found() -> Nix:
    """The Nix to use; skips the test where there can be none."""
    if root := os.environ.get("MAILNIX_NIX_ROOT"):
        return Nix(Path(root))
    if shutil.which("nix-instantiate"):
        return Nix(None)
    return Nix(_cached_root())


@pytest.fixture(scope="session")
def nixpkgs() -> Path:
    """A nixpkgs tree to evaluate against."""
    tree = os.environ.get("MAILNIX_NIXPKGS")
    if not tree:
        pytest.skip("MAILNIX_NIXPKGS does not name a nixpkgs tree to evaluate against")
    return Path(tree)


def _cached_root() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailnix"
    root = cache / "nix-root-trixie"
    if (root / "usr/bin/nix").exists():
        return root
    if os.geteuid() != 0:
        pytest.skip("no Nix here, and making a root with Debian's Nix needs the super-user")
    if not shutil.which("mmdebstrap"):
        pytest.skip("no Nix here, and mmdebstrap, which would fetch Debian's, is not installed")
    with _lock(cache / "nix-root.lock"):
        if not (root / "usr/bin/nix").exists():
            _make_root(root)
    return root


def _make_root(root: Path) -> None:
    fresh = root.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    made = subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--include=nix-bin", "trixie", str(fresh)], capture_output=True, text=True
    )
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        pytest.skip(f"Debian's Nix could not be fetched: {made.stderr.strip().splitlines()[-1:]}")
    for folder in ("nix/store", "nix/var"):
        (fresh / folder).mkdir(parents=True, exist_ok=True)
    fresh.rename(root)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
