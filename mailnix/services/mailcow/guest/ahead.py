"""ahead FOLDER: have all that another Mailcow needs on this machine while the one before still runs.

FOLDER has the files of the generation that is to come, as they would lie below /. Its tree and images are fetched, and
room for a copy of the database is seen to, so that what can fail fails before anything changes, and the time that a
change waits for its confirmation is not spent on loading gigabytes. Where the same Mailcow comes again, or the first,
there is nothing to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from . import databases, images
from .backup import CONFIG
from .laying import fetch, found
from .machine import Paths, SetupError, Source, command, paths_of, release_of, say
from .tree import CONF, read_record

IMAGE = 512 * 2**20
"""Bytes that an image takes at most, unpacked, but for one or two; layers that others have are not counted."""


def get_ready(config: Mapping[str, Any], paths: Paths, ask: images.Command, hands: databases.Hands) -> None:
    """Fetch what is missing; raises SetupError. `config` is the one to come."""
    source, digests = Source(**config["source"]), config.get("images", {})
    laid = read_record(paths.root)
    if laid is None or laid.release == release_of(config):
        return
    tree = found(source, paths)
    if tree is None:
        tree = paths.beside("next")
        fetch(source, paths, tree)
    compose = ["docker", "compose", "--project-directory", str(tree), "--env-file", str(paths.root / CONF)]
    names = sorted({*ask([*compose, "config", "--images"]).split()})
    came = images.load_from_disk(ask, say)
    missing = [name for name in map(partial(_wanted, digests, came), names) if not _there(name, ask)]
    folders = hands.folders(paths.root)
    databases.need_room(folders, hands, len(missing) * IMAGE)
    for name in missing:
        say(f"pulling {name}")
        ask(["docker", "pull", "--quiet", name])
    databases.need_room(folders, hands)


def _wanted(digests: Mapping[str, str], came: Sequence[str], name: str) -> str:
    """What an image is pulled by: where that is a digest, its tag stays on the one that runs until that is stopped."""
    pinned = name in digests and not images.came_along(name, came)
    return images.by_digest(name, digests[name]) if pinned else name


def _there(name: str, ask: images.Command) -> bool:
    return images.have(name, ask) if "@" in name else bool(ask(["docker", "image", "ls", "--quiet", name]).strip())


def coming(folder: Path, paths: Paths) -> Paths:
    """Where things will be: a package may bring the tree."""
    source = folder / str(paths.source).lstrip("/")
    return replace(paths, source=source) if source.is_dir() else paths


def main(folder: str) -> int:
    """Get ready for a generation."""
    try:
        config = json.loads((Path(folder) / CONFIG.lstrip("/")).read_text("utf-8"))
        get_ready(config, coming(Path(folder), paths_of(config)), command, databases.Hands())
    except (SetupError, OSError, ValueError, KeyError) as error:
        say(f"mailnix: Mailcow cannot come: {error}")
        return 1
    return 0
