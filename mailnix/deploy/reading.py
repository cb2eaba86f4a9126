"""What programs on a machine printed, whatever its shell printed before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mailnix.deploy.checks import Answer
from mailnix.run import Completed


def read_json(text: str) -> Any:
    """The last line that is an object or a list: whose shell greets, even here, does so before. None without one."""
    for line in reversed(text.splitlines()):
        if line.startswith(("{", "[")):
            with suppress(ValueError):
                return json.loads(line)
    return None


def read_answers(done: Completed) -> Sequence[Answer]:
    """What guest/look.py printed."""
    return [(bool(ok), str(said)) for ok, said in read_json(done.stdout) or ()]
