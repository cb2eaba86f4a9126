"""The command line, called in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from mailnix.cli import main

CONFIG = """
from mailnix import *
topology = Topology(
    hostname="mail.example.org",
    proxies=[Proxy("proxy", ipv4="5.9.100.1")],
    internal=Internal("internal", backup=Backup("/mnt/backups", at="Sun 04:00", keep_days=30)),
    admin_keys=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs me"],
    domains=[Domain("example.org", mailboxes=["alice"], aliases=[Alias("postmaster", to=["alice"])])],
)
"""


@frozen
class Said:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def mailnix(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> Said:
        status = main([str(word) for word in words])
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "mail.py"
    file.write_text(CONFIG)
    return file
