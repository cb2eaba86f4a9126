"""The example that has everything: it is checked, planned, emitted for both systems, and gets its secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailnix import pipeline
from mailnix.config import load
from mailnix.formats.backend import Backend
from mailnix.lab.scenario import CHECKS, checks_for
from mailnix.model import Topology
from mailnix.model.check import ensure
from mailnix.plan import derive
from mailnix.secrets import init
from mailnix.secrets.search import mailbox_passwords, relay_passwords

EXAMPLE = Path(__file__).resolve().parents[1] / "docs/examples/everything.py"


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(EXAMPLE)


def test_it_has_no_mistakes(topology: Topology) -> None:
    ensure(topology)


@pytest.mark.parametrize("backend", Backend)
def test_it_is_emitted(topology: Topology, tmp_path: Path, backend: Backend) -> None:
    pipeline.emit(derive(topology), backend, tmp_path / "out")
    assert any(path.is_file() for path in (tmp_path / "out").rglob("*"))


def test_the_lab_has_passwords_for_everybody_in_it(topology: Topology, tmp_path: Path) -> None:
    plan = derive(topology)
    init(plan, tmp_path / "secrets", made_up=True)
    known = json.loads(mailbox_passwords(plan, tmp_path / "secrets").reveal())
    assert {"alice@example.org", "phone@example.org/tablet", "grace@example.com"} <= set(known)
    assert json.loads(relay_passwords(plan, tmp_path / "secrets").reveal())["smtp.relay.example"]


def test_every_check_but_those_of_several_proxies_applies_to_it(topology: Topology) -> None:
    left = {each.id for each in CHECKS} - {each.id for each in checks_for(derive(topology))}
    assert left == {"submit-each-proxy", "next-mx", "next-relay"}
