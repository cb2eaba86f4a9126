"""What holds for all tests: the longest begin where workers share them, and a busy machine makes none of them red."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

HERE: Final = Path(__file__).parent
LONGEST: Final = (
    "deploy/test_servers.py",
    "services/generations/test_deaths.py",
    "services/generations/test_booted.py",
    "services/generations/test_databases.py",
    "deploy/test_image_server.py",
    "services/generations/test_adopting.py",
    "debian/test_dhcp.py",
    "deploy/nixos/test_taken_back.py",
    "doctor/machines/test_image_server.py",
    "services/generations/test_booted_mailcow.py",
    "debian/test_dpkg.py",
    "deploy/nixos/test_deploying.py",
    "services/haraka/test_live_dane.py",
    "deploy/test_end_to_end.py",
    "services/haraka/test_live_sts.py",
    "services/dane/test_live.py",
    "services/haraka/test_live_answers.py",
    "services/firewall/test_probes.py",
    "services/haraka/test_live_bytes.py",
    "testing/test_plugin.py",
    "services/haraka/test_full_disk.py",
    "test_linters.py",
)
"""Files that take half a minute or more, about the longest first.

Two stand apart where they would hold up each other: those that make a Debian for their containers, which may be the
same, and, when all of these are made, those with many servers at once, whose tests are about seconds.
"""

settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def rank(path: Path) -> int:
    """The place of a file among those that begin; that of all others is the last."""
    places = {HERE / name: place for place, name in enumerate(LONGEST)}
    return places.get(path, len(places))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file is one worker's, and the others shall not wait for it at the end; without workers the order stays."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.path))
