"""A lab is taken up again from its record, where that fits; no machine is started here."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from mailnix.config import load
from mailnix.image.values import silent
from mailnix.lab import inputs, records
from mailnix.lab.lab import Lab, resumed
from mailnix.lab.prepare import Options, secrets_of
from mailnix.lab.records import Record
from mailnix.plan import Plan, derive
from mailnix.secrets import rotate

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/two_machines.py"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(EXAMPLE))


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(tmp_path)


@pytest.fixture
def saved(plan: Plan, options: Options) -> Record:
    """The record of a saved lab without machines."""
    folder, known = secrets_of(plan, options, silent)
    record = Record((), inputs.digest(known, options, folder), "a-state")
    records.write(options.state_dir, record)
    return record


def taken_up(plan: Plan, options: Options) -> tuple[Lab | None, str]:
    """The lab, and what was said about it last."""
    said: list[str] = []
    return resumed(plan, options, said.append, tied=True), said[-1]


def test_a_lab_of_the_same_inputs_is_taken_up(plan: Plan, options: Options, saved: Record) -> None:
    lab, said = taken_up(plan, options)
    assert lab is not None
    assert said == "taking up the saved state"


def test_a_lab_of_an_older_mailnix_is_not(plan: Plan, options: Options, saved: Record) -> None:
    records.write(options.state_dir, evolve(saved, key="of other programs on its machines"))
    assert taken_up(plan, options) == (
        None,
        "the saved state is of other inputs: starting from the images, then saving a new one",
    )


def test_a_lab_with_older_credentials_is_not(plan: Plan, options: Options, saved: Record) -> None:
    rotate(plan, secrets_of(plan, options, silent)[0], ["haraka.internalcmd"])
    assert taken_up(plan, options)[0] is None


def test_a_lab_that_was_not_saved_is_not(plan: Plan, options: Options, saved: Record) -> None:
    records.write(options.state_dir, evolve(saved, state=""))
    assert taken_up(plan, options) == (None, "no saved state: starting from the images, then saving one")
