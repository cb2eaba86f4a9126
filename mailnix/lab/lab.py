"""A running lab: every machine of a plan and the world outside, started together and ended together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, frozen

from mailnix.image.cache import cache_dir
from mailnix.image.values import Progress
from mailnix.lab.accel import choose_accel
from mailnix.lab.machine import Machine, places_for
from mailnix.lab.prepare import Options, Prepared, prepare, sockets_folder
from mailnix.lab.ready import wait_until_ready
from mailnix.lab.world.authority import install
from mailnix.lab.world.layout import WORLD, Layout
from mailnix.plan import Plan


@define(eq=False)
class Lab:
    """The machines by name, the plan they were made from, where the world is, and the secrets folder in use."""

    plan: Plan
    layout: Layout
    machines: Mapping[str, Machine]
    secrets: Path
    home: Path

    def kill(self) -> None:
        """Cut every machine's power."""
        for machine in self.machines.values():
            machine.kill()


@contextmanager
def start(plan: Plan, options: Options, progress: Progress, *, keep: bool = False) -> Iterator[Lab]:
    """Build, boot, and wait until mail can flow.

    At the end every machine is killed, unless `keep` is true and nothing was raised.
    """
    prepared = prepare(plan, options, progress)
    lab = assemble(prepared, options.home, progress, tied=not keep)
    try:
        boot(lab, prepared, progress)
        yield lab
    except BaseException:
        lab.kill()
        raise
    if not keep:
        lab.kill()


def assemble(prepared: Prepared, home: Path, progress: Progress, *, tied: bool) -> Lab:
    """The lab's machines, not started."""
    accel = choose_accel(prepared.specs[WORLD].disk, cache_dir(), progress)
    sockets = sockets_folder(home)
    machines = {
        name: Machine(spec, places_for(name, home / "machines", sockets), accel, tied)
        for name, spec in prepared.specs.items()
    }
    return Lab(prepared.plan, prepared.layout, machines, prepared.secrets, home)


def boot(lab: Lab, prepared: Prepared, progress: Progress) -> None:
    """Switch everything on, the world first: its DHCP answers the others."""
    for name in (WORLD, *(name for name in lab.machines if name != WORLD)):
        lab.machines[name].kill()  # one left over from a lab that was kept
        lab.machines[name].start()
        progress(f"{name}: switched on")
    world = lab.machines[WORLD]
    world.wait_for_guest()
    install(_Files(world), prepared.authority)
    for name, machine in lab.machines.items():
        machine.wait_for_guest()
        progress(f"{name}: booted")
    wait_until_ready(lab.plan, lab.machines, progress)


@frozen
class _Files:
    """A machine as the world's certificates are handed to it."""

    machine: Machine

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        self.machine.write_file(path, data)

    def succeed(self, command: str) -> str:
        """Run a command that must succeed."""
        return self.machine.succeed(command)
