"""Machines that run what is described, and plain ones."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from mailnix.deploy.deploying import deploy
from tests.deploy.machines import Stage


@pytest.fixture
def plain(tmp_path: Path) -> Stage:
    """Servers as a provider makes them."""
    return Stage(tmp_path)


@pytest.fixture
def stage(plain: Stage) -> Stage:
    """Machines that run what is described."""
    plain.secrets = {"proxy": {"network.wireguard.private.wg0": b"1"}, "internal": {"mailcow.mailboxes": b"{}"}}
    deploy(plain.deploying())
    for machine in plain.machines.values():
        machine.calls.clear()
    plain.heard.clear()
    return plain


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the booted machines of a failed test had to say."""
    report = yield
    town = getattr(item, "funcargs", {}).get("town")
    if report.failed and town is not None:
        report.sections += [(f"of {host}", town.said(host)) for host in town.hosts]
    return report
