"""Machines in folders, at several stages; made once and copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.generations.scratch import Scratch, missing


@pytest.fixture(scope="session")
def plain_one(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    if why := missing():
        pytest.skip(why)
    return Scratch.fresh(tmp_path_factory.mktemp("plain") / "root")


@pytest.fixture(scope="session")
def received_one(plain_one: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    machine = plain_one.copied(tmp_path_factory.mktemp("received") / "root")
    machine.have(1, depends="caddy")
    return machine


@pytest.fixture(scope="session")
def running_one(received_one: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    machine = received_one.copied(tmp_path_factory.mktemp("running") / "root")
    machine.run_it(1)
    machine.later()
    machine.have(2, haraka="2", depends="caddy")
    return machine


@pytest.fixture
def plain(plain_one: Scratch, tmp_path: Path) -> Scratch:
    """A server without anything of ours."""
    return plain_one.copied(tmp_path / "plain")


@pytest.fixture
def received(received_one: Scratch, tmp_path: Path) -> Scratch:
    """The same with generation 1 received."""
    return received_one.copied(tmp_path / "received")


@pytest.fixture
def running(running_one: Scratch, tmp_path: Path) -> Scratch:
    """Generation 1 runs, generation 2 is received."""
    return running_one.copied(tmp_path / "running")
