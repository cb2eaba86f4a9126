"""The list of differences that are meant: `differences/*.toml`, a file for each part of a machine.

An entry has patterns for a key and its values, or `values`: each key with what Debian's machine says and what NixOS's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.parity.compare import Reason

FOLDER: Final = Path(__file__).parent / "differences"


def parts(folder: Path) -> tuple[Path, ...]:
    """The files of a list."""
    return tuple(sorted(folder.glob("*.toml")))


def reasons(where: Path = FOLDER) -> tuple[Reason, ...]:
    """Those of one file, or of all in a folder; raises TypeError or re.error where an entry is none."""
    files = parts(where) if where.is_dir() else (where,)
    entries = (entry for file in files for entry in tomllib.loads(file.read_text())["difference"])
    return tuple(reason for entry in entries for reason in _of(entry))


def _of(entry: dict[str, Any]) -> Iterator[Reason]:
    values = entry.pop("values", None)
    if values is None:
        yield Reason(**entry)
    else:
        for key, (debian, nixos) in values.items():
            yield Reason(**entry, key=key, debian=debian, nixos=nixos, literal=True)
