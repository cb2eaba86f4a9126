"""Everything a lab needs before the first machine is switched on: secrets, images, seed disks, the world."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from mailnix.image.cache import cache_dir
from mailnix.image.values import Format, HostBuild, Progress
from mailnix.lab.disks import overlay
from mailnix.lab.spec import Disk, DiskFormat, Firmware, MachineSpec
from mailnix.lab.world.authority import Authority, new_authority
from mailnix.lab.world.layout import WORLD, Layout, far_nics, layout
from mailnix.plan import InternalPlan, Plan, with_dkim

if TYPE_CHECKING:
    from mailnix.plan import HostPlan

PROXY_MEMORY: Final = 512  # MiB; what a proxy must be able to live with
INTERNAL_MEMORY: Final = 2048
DISK_SIZE: Final = "8G"


class Mailcow(StrEnum):
    """Who plays Mailcow: its own images from the internet, or the double made of Debian's programs."""

    DOUBLE = "double"
    REAL = "real"


@frozen
class Options:
    """How a lab is made: its folder, the description's secrets folder (None: throw-away ones), what plays Mailcow."""

    home: Path
    secrets: Path | None = None
    mailcow: Mailcow = Mailcow.DOUBLE
    mailcow_source: Path | None = None
    firmware: Firmware = Firmware.BIOS


@frozen
class Prepared:
    """What can be booted: the plan (DKIM keys known), each machine's spec, and what the world must be given."""

    plan: Plan
    layout: Layout
    specs: Mapping[str, MachineSpec]
    authority: Authority
    secrets: Path


def default_home(config: Path) -> Path:
    """The lab folder of a description: one for each file, in the cache."""
    digest = hashlib.sha256(str(config.resolve()).encode()).hexdigest()[:12]
    return cache_dir() / "labs" / f"{config.stem}-{digest}"


def sockets_folder(home: Path) -> Path:
    """A short path for a lab's sockets (unix(7) allows 107 bytes), the same for each process that looks at it."""
    return Path(tempfile.gettempdir()) / f"mailnix-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:10]}"


def prepare(plan: Plan, options: Options, progress: Progress) -> Prepared:
    """Make what is missing and build every image; raises BuildError, SecretsError, LabError."""
    options.home.mkdir(parents=True, exist_ok=True)
    folder, plan = secrets_of(plan, options, progress)
    places = layout(plan)
    authority = new_authority(places)
    machines: dict[str, MachineSpec] = {}
    disks, source = _mailcow(options, progress)
    images = _images(plan, source, options.home / "images", progress)
    for host in plan.hosts:
        seed = _seed(plan, host.name, folder, options.home, authority)
        extra = disks if isinstance(host, InternalPlan) else ()
        machines[host.name] = _spec(plan, host, images[host.name], (seed, *extra), options)
    machines[WORLD] = MachineSpec(
        WORLD,
        _overlay(images[WORLD], options.home / f"{WORLD}.qcow2"),
        memory=_world_memory(),
        nics=places.nics,
        firmware=options.firmware,
    )
    return Prepared(plan, places, machines, authority, folder)


def secrets_of(plan: Plan, options: Options, progress: Progress) -> tuple[Path, Plan]:
    """The secrets folder in use (throw-away ones where the description has none), and the plan with its keys."""
    from mailnix.secrets import dkim_public, init

    folder = options.secrets
    if folder is None or not folder.exists():
        folder = options.home / "secrets"
        progress("no secrets beside the description: using throw-away ones")
        init(plan, folder)
    return folder, with_dkim(plan, dkim_public(folder))


def _mailcow(options: Options, progress: Progress) -> tuple[tuple[Disk, ...], Path | None]:
    if options.mailcow is Mailcow.REAL:
        return (), options.mailcow_source
    from mailnix.lab.double import build_double

    double = build_double(progress=progress)
    return (Disk(double.images_disk, serial="images"),), double.tree


def _images(plan: Plan, source: Path | None, folder: Path, progress: Progress) -> dict[str, Path]:
    """The plan's machines exactly as `mailnix build` makes them, and the world."""
    from mailnix.image import build_images
    from mailnix.image.hosts import host_builds

    builds = (*host_builds(plan, source), _world_build(plan))
    return {entry.host: folder / entry.file for entry in build_images(builds, folder, Format.RAW, progress=progress)}


def _world_build(plan: Plan) -> HostBuild:
    from mailnix.debian.host import assemble
    from mailnix.debian.packages import package_set
    from mailnix.lab.world.world import world

    host = assemble(WORLD, (world(plan),))
    return HostBuild(WORLD, package_set(host.packages), host.tree)


def _world_memory() -> int:
    from mailnix.lab.world.world import MEMORY

    return MEMORY


def _seed(plan: Plan, host: str, secrets: Path, home: Path, authority: Authority) -> Disk:
    from mailnix.secrets import seed

    return Disk(seed(plan, host, secrets, home / f"{host}-seed.img", [authority.certificate]), serial="seed")


def _spec(plan: Plan, host: HostPlan, image: Path, extra: tuple[Disk, ...], options: Options) -> MachineSpec:
    return MachineSpec(
        host.name,
        _overlay(image, options.home / f"{host.name}.qcow2"),
        memory=INTERNAL_MEMORY if isinstance(host, InternalPlan) else PROXY_MEMORY,
        extra_disks=extra,
        nics=far_nics(plan, host.name),
        firmware=options.firmware,
    )


def _overlay(image: Path, target: Path) -> Path:
    return overlay(image, target, base_format=DiskFormat.RAW, size=DISK_SIZE)
