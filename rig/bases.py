"""The bases of a lab's machines, made ahead: `python -m rig.bases CONFIG`, while the tests before the lab wait.

What cannot be made here is said, and no failure: whoever boots the machines needs it, and fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mailnix import pipeline
from mailnix.errors import MailnixError
from mailnix.image.values import Progress, silent
from mailnix.lab import prepare
from mailnix.plan import Plan

Make = Callable[[Plan, prepare.Options, Progress], object]


def main(words: Sequence[str], make: Make = prepare.bases) -> None:
    """Make those of the description that is named."""
    config = Path(words[0])
    try:
        make(pipeline.plan(config), prepare.Options(prepare.default_state_dir(config)), silent)
    except MailnixError as error:
        print(f"no bases were made: {error.message}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
