"""What the programs here share: where things are, how others are run, what is said, what mailcow.conf says."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .tree import CONF


class SetupError(RuntimeError):
    """One clear sentence about why Mailcow cannot be set up."""


@dataclass(frozen=True)
class Source:
    """The pinned source."""

    tag: str
    rev: str
    nar_hash: str
    url: str


@dataclass(frozen=True)
class Paths:
    """Where things are on a machine; tests put them elsewhere."""

    root: Path = Path("/var/lib/mailcow")
    settings: Path = Path("/etc/mailnix/mailcow")
    source: Path = Path("/usr/share/mailcow-source")
    credentials: Path = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials/mailcow.service"))

    def beside(self, suffix: str) -> Path:
        """A folder next to the tree, on the same file system."""
        return self.root.with_name(f"{self.root.name}.{suffix}")


def say(text: str) -> None:
    """A line for the journal, or for a person whose terminal may be gone."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def command(argv: Sequence[str], *, cwd: Path | None = None, stdin: str = "") -> str:
    """Run a program; gives what it printed. Raises SetupError with its last line of complaint."""
    try:
        done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise SetupError(f"{argv[0]}: {error.strerror}") from None
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines() or ["no reason given"]
        raise SetupError(f"{' '.join(argv[:3])}: status {done.returncode}: {complaint[-1]}")
    return done.stdout


def stop(root: Path) -> None:
    """Take down the containers that run from `root` (after power loss Docker starts them by itself)."""
    if (root / "docker-compose.yml").exists() and (root / CONF).exists():
        command(["docker", "compose", "down"], cwd=root)


def values(path: Path) -> dict[str, str]:
    """The variables of a mailcow.conf, empty where there is none."""
    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def release_of(config: Mapping[str, Any]) -> str:
    """Which Mailcow is described: its tree's revision, with more where its images are pinned by digests, too."""
    return str(config.get("release", config["source"]["rev"]))


def paths_of(config: Mapping[str, Any]) -> Paths:
    """Where things are: the usual places unless `config` names others, as NixOS does for what is in its store."""
    return replace(Paths(), **{name: Path(path) for name, path in config.get("paths", {}).items()})
