"""The three machines of all places: booted once, and brought from one place to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import define, field

from mailnix.image import Format, build_images
from mailnix.image.cache import cache_dir
from mailnix.image.values import HostBuild, Progress
from mailnix.lab import state
from mailnix.lab.accel import choose_accel
from mailnix.lab.disks import DISK_SIZE, overlay
from mailnix.lab.internet import trust
from mailnix.lab.machine import Machine, acquaint, paths_for
from mailnix.lab.places import build, change, outside, router
from mailnix.lab.places.build import ROUTER
from mailnix.lab.places.place import HOME, PROXY, Cable, Place
from mailnix.lab.prepare import PROXY_MEMORY, sockets_folder
from mailnix.lab.spec import Disk, DiskFormat, MachineSpec, Nic
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.secrets import init, seed
from mailnix.services.unbound.render import SERVICE as UNBOUND
from mailnix.tree import Tree

ROUTER_MEMORY: Final = 384  # MiB
TAG: Final = "places"
KEY: Final = "admin.key"
APPLY: Final = 300.0
LINGER: Final = "/var/lib/systemd/linger/root"
MACHINES: Final = (PROXY, HOME)


@define(eq=False)
class Ground:
    """The machines by name, the administrator's key, where they stand now, and what they are told there.

    `fresh` is as long as they are where they booted; `without` are those whose second card is taken out.
    """

    machines: Mapping[str, Machine]
    admin_key: str
    place: Place
    plan: Plan
    trees: dict[str, Tree]
    fresh: bool = True
    without: set[str] = field(factory=set)

    @property
    def router(self) -> Machine:
        """What plays every network."""
        return self.machines[ROUTER]

    def go(self, place: Place) -> None:
        """Bring both machines to a place; returns when their services were told to start anew."""
        plan = derive(place.topology(self.admin_key))
        if self.fresh and place == self.place:
            self.fresh = False
            return
        self.router.succeed(router.swap(place, macs(build.far_nics)), timeout=APPLY)
        trees = trees_of(plan)
        changes = {name: change.between(self.trees[name], trees[name]) for name in MACHINES}
        moved = {name for name in MACHINES if changes[name].paths or cables(self.place, name) != cables(place, name)}
        self.place, self.plan, self.trees, self.fresh = place, plan, trees, False
        both(lambda name: self._bring(name, changes[name]) if name in moved else self._stay(name))

    def _stay(self, name: str) -> None:
        """Nothing of this machine is another, only of what it reaches."""
        self.machines[name].succeed(change.PEERS_ANEW)

    def _bring(self, name: str, found: change.Change) -> None:
        machine = self.machines[name]
        machine.succeed(change.lay(found), stdin=change.archive(found.written), timeout=APPLY)
        if name in self.place.reboots:
            machine.succeed("sync")
            machine.kill()
            machine.start()
            self.plug(name)
            machine.wait_for_guest()
            machine.wait_for_boot()
            self.without.discard(name)
            return
        self.plug(name)
        machine.succeed(change.use(found, self._cards(name)), timeout=APPLY)

    def _cards(self, name: str) -> str:
        """What makes the second card there only where the place has it."""
        wanted, there = cables(self.place, name)[1] is not None, name not in self.without
        if wanted == there:
            return ""
        self.without.symmetric_difference_update({name})
        return change.CARDS_BACK if wanted else change.card_out(build.far_nics(name)[1].mac)

    def plug(self, name: str) -> None:
        """Plug a machine's cables in, or out where the place has none."""
        with self.machines[name].qmp() as control:
            for nic, cable in zip(build.far_nics(name), cables(self.place, name), strict=True):
                control.execute("set_link", {"name": nic.id, "up": cable is not None})


def cables(place: Place, name: str) -> tuple[Cable | None, Cable | None]:
    """What both cards of a machine are plugged into."""
    return (place.provider, place.provider2) if name == PROXY else (place.home, place.home2)


def both(action: Callable[[str], None]) -> None:
    """Do something with both machines at once; raises the first trouble after both are through."""
    with ThreadPoolExecutor(len(MACHINES)) as pool:
        for done in [pool.submit(action, name) for name in MACHINES]:
            done.result()


def trees_of(plan: Plan) -> dict[str, Tree]:
    """What the machines have of a description."""
    return {PROXY: build.proxy(plan).tree, HOME: build.home(plan).tree}


def macs(nics: Callable[[str], tuple[Nic, ...]]) -> dict[str, tuple[str, str]]:
    """The addresses of both cards of each machine, or of the router's ends of their cables."""
    pairs = {name: nics(name) for name in MACHINES}
    return {name: (first.mac, second.mac) for name, (first, second) in pairs.items()}


@contextmanager
def start(folder: Path, first: Place, progress: Progress, *, resume: bool = False) -> Iterator[Ground]:
    """Build and boot all three machines in the place `first`; at the end they are switched off.

    With `resume` the state that such a start saved in the same folder is taken up, where it is of the same inputs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = admin_key(folder)
    plan = derive(first.topology(key))
    init(plan, folder / "secrets", made_up=True)
    builds = build.builds(plan)
    specs = _specs(folder)
    note = folder / "inputs"
    inputs = hashlib.sha256(repr((builds, [e.data for b in builds for e in b.tree.files])).encode()).hexdigest()
    goes_on = resume and note.exists() and note.read_text() == inputs
    if not goes_on:
        _lay_disks(plan, specs, builds, folder, progress)
    accel = choose_accel(specs[ROUTER].disk, cache_dir(), progress)  # which boots it, where nobody has tried yet
    sockets = sockets_folder(folder)
    machines = {name: Machine(spec, paths_for(name, folder, sockets), accel) for name, spec in specs.items()}
    acquaint(machines.values())
    ground = Ground(machines, key, first, plan, trees_of(plan))
    try:
        if goes_on:
            state.resume(list(machines.values()), TAG)
        else:
            _boot(ground, folder, progress)
            if resume:
                state.save(list(machines.values()), TAG)
                note.write_text(inputs)
        yield ground
    finally:
        for machine in machines.values():
            machine.kill()


def _lay_disks(
    plan: Plan, specs: Mapping[str, MachineSpec], builds: tuple[HostBuild, ...], folder: Path, progress: Progress
) -> None:
    entries = build_images(builds, folder / "images", Format.RAW, progress=progress)
    images = {entry.host: folder / "images" / entry.file for entry in entries}
    for name, spec in specs.items():
        overlay(images[name], spec.disk, base_format=DiskFormat.RAW, size=DISK_SIZE)
        if name in MACHINES:
            seed(plan, name, folder / "secrets", folder / f"{name}-seed.img")


def _boot(ground: Ground, folder: Path, progress: Progress) -> None:
    routing = ground.router
    for name in (ROUTER, HOME):
        _switch_on(ground, name)
    routing.wait_for_guest()
    routing.succeed(router.setup(macs(build.near_nics)), timeout=APPLY)
    routing.succeed(router.swap(ground.place, macs(build.far_nics)), timeout=APPLY)
    routing.write_file(router.KEY, (folder / KEY).read_bytes(), mode=0o600)
    _switch_on(ground, PROXY)
    anchor = routing.read_file(trust.ANCHOR).decode().strip()
    both(lambda name: ground.machines[name].wait_for_guest())
    proxy = ground.machines[PROXY]
    proxy.write_file(trust.UNBOUND, trust.unbound_conf(outside.DNS4, anchor).encode())
    proxy.succeed(f"systemctl --no-block try-restart {UNBOUND}")
    # Each login would bring root's own systemd with it, and take it away: seconds, in emulation.
    both(lambda name: ground.machines[name].write_file(LINGER, ""))
    both(lambda name: ground.machines[name].wait_for_boot())
    progress("every machine: booted")


def _switch_on(ground: Ground, name: str) -> None:
    ground.machines[name].start()
    if name in MACHINES:
        ground.plug(name)


def admin_key(folder: Path) -> str:
    """The administrator's public key; its pair is made where there is none."""
    if not (folder / KEY).exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "admin", "-f", folder / KEY])
    return (folder / f"{KEY}.pub").read_text().strip()


def _specs(folder: Path) -> dict[str, MachineSpec]:
    near = tuple(nic for name in MACHINES for nic in build.near_nics(name))
    specs = {ROUTER: MachineSpec(ROUTER, folder / f"{ROUTER}.qcow2", memory=ROUTER_MEMORY, nics=near)}
    for name in MACHINES:
        specs[name] = MachineSpec(
            name,
            folder / f"{name}.qcow2",
            memory=PROXY_MEMORY,
            extra_disks=(Disk(folder / f"{name}-seed.img", serial="seed"),),
            nics=build.far_nics(name),
        )
    return specs
