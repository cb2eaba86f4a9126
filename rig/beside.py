"""What two workers of pytest-xdist share of the tests that boot machines: one has the lab, the other the rest."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LAB: Final = "lab"
ALONE: Final = ("test_emulated_places.py", "test_first_boot.py", "test_hardware.py")
"""Files of vm-tests whose machines are their own."""


def share(nodeid: str) -> str:
    """Which tests one worker has, by the name of one of them: all of the lab, or those of a file."""
    file = nodeid.partition("::")[0].rpartition("/")[2]
    return file if file in ALONE else LAB


class BesideTheLab(LoadScopeScheduling):  # type: ignore[misc]
    """A file's machines are booted once, and so is the lab."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
