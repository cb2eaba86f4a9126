"""From a running lab to a stage for checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mailnix.lab.internet.layout import INTERNET, Layout
from mailnix.lab.internet.machine import PASSWORDS
from mailnix.lab.internet.smarthosts import PASSWORDS as RELAYS
from mailnix.lab.machine import Machine
from mailnix.lab.scenario.disks import DiskFiles, with_backing
from mailnix.lab.scenario.scene import Scene
from mailnix.lab.signs import Pace, slowness
from mailnix.plan.types import Plan


class RunningLab(Protocol):
    """What is needed of a lab."""

    plan: Plan
    layout: Layout
    machines: Mapping[str, Machine]
    secrets: Path


def stage(lab: RunningLab) -> Scene:
    """Give the internet's clients their passwords, and see the lab as a Scene."""
    files = {name: disk_files(machine) for name, machine in lab.machines.items()}
    scene = staged(lab.plan, lab.layout, lab.machines, lab.secrets, files)
    internet = lab.machines[INTERNET]
    scene.wait, scene.pace = internet.wait, Pace(internet.signs, processor=slowness())
    return scene


class Writable(Protocol):
    """A machine that takes files."""

    def write_file(self, path: str, content: bytes, mode: int = ...) -> None:
        """Make or replace a file, with the folders above it."""
        ...


def staged(
    plan: Plan, layout: Layout, machines: Mapping[str, Writable], secrets: Path, files: Mapping[str, tuple[Path, ...]]
) -> Scene:
    """A Scene of machines of whatever kind; `files` is what each one's disks are made of."""
    from mailnix.secrets.search import mailbox_passwords, relay_passwords

    machines[INTERNET].write_file(PASSWORDS, mailbox_passwords(plan, secrets).reveal(), 0o600)
    if layout.relays:
        machines[INTERNET].write_file(RELAYS, relay_passwords(plan, secrets).reveal(), 0o600)
    return Scene(plan, layout, machines, DiskFiles(plan, secrets, files))


def disk_files(machine: Machine) -> tuple[Path, ...]:
    """Every file that a machine's disks are made of, but those of container images (no secret was ever near them)."""
    seeds = tuple(disk.path for disk in machine.spec.extra_disks if disk.serial == "seed")
    return (*with_backing(machine.spec.disk), *seeds)
