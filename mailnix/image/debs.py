"""Debian packages that one base image has fetched, for the next: bases of one lab share most of theirs.

apt compares every file with the signed index before it uses it, so what lies here is no more trusted than a mirror.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.model.architecture import Architecture

ARCHIVES: Final = "/var/cache/apt/archives"
KEPT_SECONDS: Final = 30 * 86400


def argv(folder: Path) -> list[str]:
    """mmdebstrap's options to begin with the packages in `folder`, and to put there what it fetched (its manual)."""
    outside = shlex.quote(str(folder))
    return [
        "--skip=essential/unlink",
        f'--setup-hook=mkdir -p "$1"{ARCHIVES}',
        f"--setup-hook=sync-in {outside} {ARCHIVES}",
        f"--customize-hook=sync-out {ARCHIVES} {outside}",
    ]


@contextlib.contextmanager
def shared(store: Path, folder: Path, architecture: Architecture = Architecture.AMD64) -> Iterator[Path]:
    """A folder of one's own with all in `store` that is for a processor; what came into it is there after the block.

    Names are linked, not copied, and a finished file is never written to, so several may do this at the same time.
    """
    store.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    others = tuple(f"_{other}" for other in Architecture if other is not architecture)
    for deb in store.glob("*.deb"):
        if time.time() - deb.stat().st_mtime > KEPT_SECONDS:
            deb.unlink(missing_ok=True)
        elif not deb.stem.endswith(others):
            _take(deb, folder)
    try:
        yield folder
    finally:
        for deb in folder.glob("*.deb"):
            _take(deb, store)


def _take(deb: Path, into: Path) -> None:
    # Gone, there already, or on another file system: it will be fetched, then.
    with contextlib.suppress(OSError):
        os.link(deb, into / deb.name)
