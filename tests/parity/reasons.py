"""The list of differences that are meant: `differences/*.toml`, a file for each part of a machine."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from tests.parity.compare import Reason

FOLDER: Final = Path(__file__).parent / "differences"


def reasons(folder: Path = FOLDER) -> tuple[Reason, ...]:
    """All of them; raises TypeError or re.error where an entry is none."""
    files = sorted(folder.glob("*.toml"))
    return tuple(Reason(**entry) for file in files for entry in tomllib.loads(file.read_text())["difference"])
