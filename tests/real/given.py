"""The trees of Mailcow that whoever runs the tests has given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TREE: Final = "MAILNIX_MAILCOW_TREE"
BEFORE: Final = "MAILNIX_MAILCOW_BEFORE"
"""An earlier release than the pinned one, to upgrade from."""
HOW: Final = "CONTRIBUTING.md says how to get one"


def tree(variable: str) -> Path | None:
    """The folder that an environment variable names; None where it names none."""
    named = os.environ.get(variable)
    return Path(named).resolve() if named else None
