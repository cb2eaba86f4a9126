"""The list of differences that are meant: `differences/*.toml`, a file for each part of a machine."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from tests.parity.compare import Reason

FOLDER: Final = Path(__file__).parent / "differences"


def parts(folder: Path) -> tuple[Path, ...]:
    """The files of a list."""
    return tuple(sorted(folder.glob("*.toml")))


def reasons(where: Path = FOLDER) -> tuple[Reason, ...]:
    """Those of one file, or of all in a folder; raises TypeError or re.error where an entry is none."""
    files = parts(where) if where.is_dir() else (where,)
    return tuple(Reason(**entry) for file in files for entry in tomllib.loads(file.read_text())["difference"])
