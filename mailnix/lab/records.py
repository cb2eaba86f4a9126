"""Machines that another process started, found again by what was written down beside them."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import frozen

from mailnix.errors import LabError
from mailnix.lab.machine import Machine, acquaint
from mailnix.lab.spec import Accel, MachinePaths, MachineSpec

FILE = "lab.json"


@frozen
class Entry:
    """One machine as it was started."""

    spec: MachineSpec
    paths: MachinePaths
    accel: Accel


@frozen
class Record:
    """All machines of a lab, in the order they are started.

    `key` says what they were made from (the caller's choice of hash), `state` is the snapshot saved last, or "".
    """

    machines: tuple[Entry, ...]
    key: str = ""
    state: str = ""


def of(machines: list[Machine], key: str = "", state: str = "") -> Record:
    """The record of these machines."""
    return Record(tuple(Entry(each.spec, each.paths, each.accel) for each in machines), key, state)


def machines_of(record: Record, *, tied: bool = True) -> dict[str, Machine]:
    """The record's machines by name; whether they run is theirs to say."""
    found = {each.spec.name: Machine(each.spec, each.paths, each.accel, tied) for each in record.machines}
    acquaint(found.values())
    return found


def write(state_dir: Path, record: Record) -> None:
    """Write it down in a lab's folder."""
    from cattrs.preconf.json import make_converter

    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / FILE).write_text(json.dumps(make_converter().unstructure(record), indent=1) + "\n")


def read(state_dir: Path) -> Record | None:
    """The record in a lab's folder; None where there is none. Raises LabError where it cannot be understood."""
    from cattrs import ClassValidationError
    from cattrs.preconf.json import make_converter

    try:
        text = (state_dir / FILE).read_text()
    except FileNotFoundError:
        return None
    try:
        return make_converter().structure(json.loads(text), Record)
    except (ValueError, ClassValidationError) as error:
        raise LabError(f"{state_dir / FILE} is not from this version of mailnix", "remove that file") from error


def stop(state_dir: Path) -> tuple[str, ...]:
    """Cut the power of every machine of the lab in `state_dir` that runs; gives their names."""
    record = read(state_dir)
    running = [] if record is None else [each for each in machines_of(record).values() if each.is_running()]
    for machine in running:
        machine.kill()
    return tuple(machine.name for machine in running)
