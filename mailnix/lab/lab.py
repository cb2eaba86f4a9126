"""A running lab: every machine of a plan and the simulated internet, started together and ended together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, frozen

from mailnix import extras
from mailnix.image.cache import cache_dir
from mailnix.image.values import Progress
from mailnix.lab import inputs, records, state
from mailnix.lab.accel import choose_accel
from mailnix.lab.internet import trust
from mailnix.lab.internet.authority import install
from mailnix.lab.internet.layout import INTERNET, Layout, layout
from mailnix.lab.machine import Machine, acquaint, paths_for
from mailnix.lab.prepare import Options, Prepared, prepare, secrets_of, sockets_folder
from mailnix.lab.ready import wait_until_ready
from mailnix.lab.servers import live
from mailnix.lab.stages import Stage
from mailnix.plan import Plan


@define(eq=False)
class Lab:
    """The machines by name, the plan they were made from, where the internet is, and the secrets folder in use."""

    plan: Plan
    layout: Layout
    machines: Mapping[str, Machine]
    secrets: Path
    state_dir: Path

    def kill(self) -> None:
        """Cut every machine's power."""
        for machine in self.machines.values():
            machine.kill()


@contextmanager
def start(
    plan: Plan, options: Options, progress: Progress, *, keep: bool = False, resume: bool = False
) -> Iterator[Lab]:
    """Build, boot, and wait until mail can flow.

    At the end every machine is killed, unless `keep` is true and nothing was raised. With `resume` the state saved by
    an earlier such start of the same description is taken up, or saved for the next one where there is none.
    """
    extras.need("lab", "the lab")
    records.stop(options.state_dir)
    if options.servers:
        plan = live.with_key(plan, options.state_dir)
    lab = resumed(plan, options, progress, tied=not keep) if resume else None
    try:
        if lab is None:
            progress(Stage.BUILD)
            prepared = prepare(plan, options, progress)
            lab = assemble(prepared, options.state_dir, progress, tied=not keep)
            key = inputs.digest(lab.plan, options, lab.secrets)
            _note(lab, key)
            (go_live if options.servers else boot)(lab, prepared, progress)
            if resume:
                progress("saving the state of every machine")
                state.save(list(lab.machines.values()))
                _note(lab, key, state.DEFAULT_TAG)
        yield lab
    except BaseException:
        if lab is not None:
            lab.kill()
        raise
    if not keep:
        lab.kill()


def assemble(prepared: Prepared, state_dir: Path, progress: Progress, *, tied: bool) -> Lab:
    """The lab's machines, not started."""
    accel = choose_accel(prepared.specs[INTERNET].disk, cache_dir(), progress)
    sockets = sockets_folder(state_dir)
    machines = {
        name: Machine(spec, paths_for(name, state_dir / "machines", sockets), accel, tied)
        for name, spec in prepared.specs.items()
    }
    acquaint(machines.values())
    return Lab(prepared.plan, prepared.layout, machines, prepared.secrets, state_dir)


def _note(lab: Lab, key: str, saved: str = "") -> None:
    records.write(lab.state_dir, records.of(list(lab.machines.values()), key, saved))


def resumed(plan: Plan, options: Options, progress: Progress, *, tied: bool) -> Lab | None:
    """The lab in its saved state; None where there is none of these inputs."""
    record = records.read(options.state_dir)
    if record is None or not record.state:
        progress("no saved state: starting from the images, then saving one")
        return None
    folder, plan = secrets_of(plan, options, progress)
    if record.key != inputs.digest(plan, options, folder):
        progress("the saved state is of other inputs: starting from the images, then saving a new one")
        return None
    machines = records.machines_of(record, tied=tied)
    progress(Stage.BOOT)
    progress("taking up the saved state")
    state.resume(list(machines.values()), record.state)
    lab = Lab(plan, layout(plan), machines, folder, options.state_dir)
    if options.servers:
        live.write_ssh_config(_town(lab))
    return lab


def boot(lab: Lab, prepared: Prepared, progress: Progress) -> None:
    """Switch everything on: the internet, whose DHCP answers the others, and the slow machine at home.

    The proxies follow when it is up: three machines that boot at once on two processors hold up each other, and the
    one that everything waits for most.
    """
    progress(Stage.BOOT)
    first = (INTERNET, lab.plan.internal.name)
    for name in first:
        _switch_on(lab.machines[name], progress)
    internet = lab.machines[INTERNET]
    internet.wait_for_guest()
    install(_Files(internet), prepared.authority)
    for name, machine in lab.machines.items():
        if name not in first:
            _switch_on(machine, progress)
    for name, machine in lab.machines.items():
        machine.wait_for_guest()
        progress(f"{name}: booted")
    trust.tell(lab.layout, internet, [lab.machines[proxy.name] for proxy in lab.plan.proxies])
    progress(Stage.START)
    wait_until_ready(lab.plan, lab.machines, progress)


def go_live(lab: Lab, prepared: Prepared, progress: Progress) -> None:
    """Switch plain servers on, deploy to them, and wait until mail can flow."""
    progress(Stage.BOOT)
    internet = lab.machines[INTERNET]
    for machine in lab.machines.values():
        _switch_on(machine, progress)
    internet.wait_for_guest()
    install(_Files(internet), prepared.authority)
    for machine in lab.machines.values():
        machine.wait_for_guest()
    town = _town(lab)
    live.furnish(town, prepared.authority, progress)
    trust.tell(lab.layout, internet, [lab.machines[proxy.name] for proxy in lab.plan.proxies])
    live.deploy(town, prepared.mailcow, progress)
    progress(Stage.START)
    wait_until_ready(lab.plan, lab.machines, progress)


def _town(lab: Lab) -> live.Town:
    return live.Town(lab.plan, lab.layout, lab.machines, lab.state_dir, lab.secrets)


def _switch_on(machine: Machine, progress: Progress) -> None:
    machine.start()
    progress(f"{machine.name}: switched on")


@frozen
class _Files:
    """A machine as the internet's certificates are handed to it."""

    machine: Machine

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        self.machine.write_file(path, data)

    def succeed(self, command: str) -> str:
        """Run a command that must succeed."""
        return self.machine.succeed(command)
