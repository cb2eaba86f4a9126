"""A running lab put away and taken up again: memory and disks of all its machines, as one moment.

Every machine is paused first, so that no packet is seen by one machine and never sent by another. The memory lies in
the machine's own disk overlay (a qcow2 internal snapshot), which stays there: a state can be taken up again any
number of times, each time as it was. The guests' clocks go on from the moment of saving.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mailnix.errors import LabError
from mailnix.lab.machine import Machine
from mailnix.lab.qemu_argv import ROOT_NODE, writable_nodes
from mailnix.run import Runner, require, run

SAVE_TIMEOUT = 900.0
RESUME_TIMEOUT = 120.0
DEFAULT_TAG = "mailnix"


def save(machines: Sequence[Machine], tag: str = DEFAULT_TAG) -> None:
    """Save all machines, which must be running, under `tag` (in place of an older state); they go on afterwards."""
    _each(machines, lambda machine: _command(machine, "stop"))
    try:
        _each(machines, lambda machine: _save(machine, tag))
    finally:
        _each(machines, lambda machine: _command(machine, "cont"))


def resume(machines: Sequence[Machine], tag: str = DEFAULT_TAG) -> None:
    """Start all machines, none of which may run, from the state `tag`; returns when their agents answer."""
    try:
        for machine in machines:  # not in threads: see Machine._tie
            machine.start(resume=tag)
        _each(machines, lambda machine: _command(machine, "cont"))
        _each(machines, lambda machine: machine.wait_for_guest(RESUME_TIMEOUT))
    except BaseException:
        for machine in machines:
            machine.kill()
        raise


def has_state(machine: Machine, tag: str = DEFAULT_TAG, runner: Runner = run) -> bool:
    """Whether a machine's disk holds the state `tag`."""
    return machine.spec.disk.exists() and tag in snapshots(machine.spec.disk, runner)


def snapshots(disk: Path, runner: Runner = run) -> tuple[str, ...]:
    """The names of a qcow2's internal snapshots."""
    words = (require("qemu-img", "qemu-utils"), "info", "--force-share", "--output=json", str(disk))
    found = json.loads(runner(words).stdout)
    return tuple(each["name"] for each in found.get("snapshots", ()))


def _save(machine: Machine, tag: str) -> None:
    nodes = list(writable_nodes(machine.spec))
    with machine.qmp() as control:
        if tag in snapshots(machine.spec.disk):
            control.job("snapshot-delete", {"tag": tag, "devices": nodes}, SAVE_TIMEOUT)
        control.job("snapshot-save", {"tag": tag, "vmstate": ROOT_NODE, "devices": nodes}, SAVE_TIMEOUT)


def _command(machine: Machine, command: str) -> None:
    with machine.qmp() as control:
        control.execute(command)


def _each(machines: Sequence[Machine], action: Callable[[Machine], None]) -> None:
    """Do something with all machines at once; raises the first trouble after all are through."""
    with ThreadPoolExecutor(max_workers=max(len(machines), 1)) as pool:
        troubles = [future.exception() for future in [pool.submit(action, machine) for machine in machines]]
    for trouble in troubles:
        if trouble is not None:
            raise trouble if isinstance(trouble, LabError) else LabError(str(trouble)) from trouble
