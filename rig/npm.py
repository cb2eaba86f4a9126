"""Haraka and its Node, as the lock file pins them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from mailnix import run

NPM = Path(__file__).parents[1] / "mailnix/services/haraka/npm"


def npm_tree() -> Path:
    """The `node_modules` of our package-lock.json: from MAILNIX_HARAKA_TREE, or installed once into the cache."""
    if given := os.environ.get("MAILNIX_HARAKA_TREE"):
        return Path(given)
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mailnix"
    tree = cache / f"haraka-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not tree.exists():
        cache.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=cache, prefix="haraka-new-"))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NPM / name, new)
        run.run(["npm", "ci", "--omit=dev", "--omit=optional", "--ignore-scripts"], cwd=new, timeout=300)
        with contextlib.suppress(OSError):  # another run was first
            new.rename(tree)
    return tree / "node_modules"
