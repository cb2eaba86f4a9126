"""Machines that another process started, found again by what was written down beside them."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import frozen

from mailnix.errors import LabError
from mailnix.lab.machine import Machine
from mailnix.lab.spec import Accel, MachineSpec, Places

FILE = "lab.json"


@frozen
class Entry:
    """One machine as it was started."""

    spec: MachineSpec
    places: Places
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
    return Record(tuple(Entry(each.spec, each.places, each.accel) for each in machines), key, state)


def machines_of(record: Record, *, tied: bool = True) -> dict[str, Machine]:
    """The record's machines by name; whether they run is theirs to say."""
    return {each.spec.name: Machine(each.spec, each.places, each.accel, tied) for each in record.machines}


def write(home: Path, record: Record) -> None:
    """Write it down in a lab's folder."""
    from cattrs.preconf.json import make_converter

    home.mkdir(parents=True, exist_ok=True)
    (home / FILE).write_text(json.dumps(make_converter().unstructure(record), indent=1) + "\n")


def read(home: Path) -> Record | None:
    """The record in a lab's folder; None where there is none. Raises LabError where it cannot be understood."""
    from cattrs import ClassValidationError
    from cattrs.preconf.json import make_converter

    try:
        text = (home / FILE).read_text()
    except FileNotFoundError:
        return None
    try:
        return make_converter().structure(json.loads(text), Record)
    except (ValueError, ClassValidationError) as error:
        raise LabError(f"{home / FILE} is not from this version of mailnix", "remove that file") from error


def stop(home: Path) -> tuple[str, ...]:
    """Cut the power of every machine of the lab in `home` that runs; gives their names."""
    record = read(home)
    running = [] if record is None else [each for each in machines_of(record).values() if each.is_running()]
    for machine in running:
        machine.kill()
    return tuple(machine.name for machine in running)
