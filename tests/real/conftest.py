"""Mailcow's own code, up once for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.run import Completed
from rig.mailcow import Mailcow, mailcow, missing, refusal
from tests.real.description import DESCRIPTION
from tests.real.given import HOW, TREE, tree


@pytest.fixture(scope="session")
def mailcow_tree() -> Path:
    """Mailcow as it is pinned."""
    given = tree(TREE)
    if given is None:
        pytest.skip(f"{TREE} names no tree of Mailcow; {HOW}")
    if missing():
        pytest.skip(missing())
    if wrong := refusal(given):
        pytest.fail(wrong, pytrace=False)
    return given


@pytest.fixture(scope="session")
def machine(mailcow_tree: Path) -> Iterator[Mailcow]:
    """The machine at home, Mailcow laid and set up by what mailnix ships, its API answering; nothing provisioned."""
    with mailcow(DESCRIPTION, mailcow_tree) as running:
        yield running


@pytest.fixture(scope="session")
def first_run(machine: Mailcow) -> Completed:
    """What the provisioner said when there was nothing yet."""
    return machine.provision(check=False)


@pytest.fixture(scope="session")
def provisioned(machine: Mailcow, first_run: Completed) -> Mailcow:
    """The machine after its first run, whatever that said."""
    return machine
