"""What mailnix's programs say of themselves."""

from __future__ import annotations

from mailnix.run import Completed


def changes(done: Completed) -> int:
    """How many changes the provisioner says that it made; none of them refused."""
    words = done.stdout.strip().splitlines()[-1].split()
    assert words[1:] == ["changes,", "0", "refused"], done.stdout + done.stderr
    return int(words[0])
