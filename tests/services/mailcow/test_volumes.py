"""Docker's volumes: there, not there, or not known."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest.databases import Hands
from mailnix.services.mailcow.guest.machine import SetupError
from mailnix.services.mailcow.guest.tree import CONF, write
from mailnix.services.mailcow.guest.volumes import NoVolumes, volumes

NONE = 'for name; do echo "Error response from daemon: get $name: no such volume" >&2; done; echo "[]"; exit 1'
AWAY = 'echo "[]"; echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1'
REFUSED = 'echo "[]"; echo "permission denied while trying to connect to the docker API" >&2; exit 1'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree, and a place for a docker."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    write(tmp_path / "mailcow" / CONF, b"COMPOSE_PROJECT_NAME=m\n", 0o600)
    return tmp_path / "mailcow"


def says(root: Path, script: str) -> None:
    """Docker's answer to `volume inspect NAME…`."""
    write(root.with_name("bin") / "docker", f"#!/bin/sh\nshift 2\n{script}\n".encode(), 0o755)


def some(*names: str) -> str:
    """Docker has these, and says of the others that they are not there."""
    listed = [{"Name": f"m_{name}", "Mountpoint": f"/v/{name}", "Driver": "local", "Options": None} for name in names]
    missing = "; ".join('echo "Error: No such volume: x" >&2' for _ in range(9))
    return f"echo '{json.dumps(listed)}'; {missing}; exit 1"


def test_one_that_has_none_says_so_of_each(root: Path) -> None:
    says(root, NONE)
    with pytest.raises(NoVolumes):
        volumes(root)
    assert Hands().folders(root) == ()


@pytest.mark.parametrize("answer", [AWAY, REFUSED])
def test_one_that_does_not_answer_has_not_said_that_there_are_none(answer: str, root: Path) -> None:
    says(root, answer)
    with pytest.raises(SetupError, match="docker volume inspect: ") as caught:
        Hands().folders(root)
    assert not isinstance(caught.value, NoVolumes)


def test_both_are_a_database(root: Path) -> None:
    says(root, some("mysql-vol-1", "redis-vol-1"))
    assert Hands().folders(root) == (Path("/v/mysql-vol-1"), Path("/v/redis-vol-1"))


def test_one_of_both_is_none(root: Path) -> None:
    says(root, some("redis-vol-1"))
    with pytest.raises(SetupError, match="of the database Docker has redis-vol-1 alone"):
        Hands().folders(root)


def test_what_has_mail_and_no_database_has_run(root: Path) -> None:
    says(root, some("vmail-vol-1"))
    with pytest.raises(SetupError, match="no volume alone"):
        Hands().folders(root)
