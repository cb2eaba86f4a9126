"""What administrators change in Mailcow's pages and Mailcow keeps as files: lists, filters for everybody, a logo.

Its backup script packs volumes alone. Lists and filters of one mailbox or domain are in the database, with everything
else.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from .restoring import Swap
from .tree import EDITED_IN_PAGES, paths_in

ARCHIVE, TOP = "pages.tar.gz", "pages"


def files(root: Path) -> tuple[str, ...]:
    """Their paths in a tree, as far as they are there."""
    return tuple(path for path in paths_in(root) if path.startswith(EDITED_IN_PAGES))


def pack(root: Path, folder: Path) -> None:
    """Put them into a backup, below a folder of their own."""
    with tarfile.open(folder / ARCHIVE, "w:gz") as tar:
        top = tarfile.TarInfo(TOP)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(top)
        for path in files(root):
            tar.add(root / path, f"{TOP}/{path}", recursive=False)


def swaps(unpacked: Path, root: Path, before: Path) -> tuple[Swap, ...]:
    """What puts the unpacked ones into the tree, and those in use to `before`; nothing else of an archive counts."""
    found = files(unpacked)
    for path in found:
        for place in (root / path, before / path):
            place.parent.mkdir(parents=True, exist_ok=True)
    return tuple(Swap(root / path, unpacked / path, before / path) for path in found)
