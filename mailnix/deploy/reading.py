"""What programs on a machine printed, whatever its shell printed before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mailnix.deploy.checks import Answer
from mailnix.run import Completed


def read_json(text: str) -> Any:
    """What follows a shell's greeting, which even here may come before, if it is JSON to the end; None without it."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("{", "[")):
            with suppress(ValueError, RecursionError):  # the latter where somebody nests lists in lists
                return json.loads("\n".join(lines[number:]))
    return None


def read_answers(done: Completed) -> Sequence[Answer]:
    """What programs in guest/ printed."""
    return [(bool(ok), str(said)) for ok, said in read_json(done.stdout) or ()]
