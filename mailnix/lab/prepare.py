"""Everything a lab needs before the first machine is switched on: secrets, images, seed disks, the internet."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen

from mailnix.formats.backend import Backend
from mailnix.image.cache import cache_dir
from mailnix.image.values import Format, HostBuild, Progress
from mailnix.lab.disks import DISK_SIZE, IMAGES, overlay
from mailnix.lab.internet.authority import Authority, new_authority
from mailnix.lab.internet.cards import INTERNET, card_names, far_nics
from mailnix.lab.internet.layout import Layout, layout
from mailnix.lab.spec import Disk, DiskFormat, Firmware, Inlet, MachineSpec, Made
from mailnix.model import ports
from mailnix.plan import InternalPlan, Plan, with_keys
from mailnix.run import Runner, end_all, run

PROXY_MEMORY: Final = 512  # MiB; what a proxy must be able to live with
INTERNAL_MEMORY: Final = 2048


class Mailcow(StrEnum):
    """Who plays Mailcow: its own images from the internet, or the fake Mailcow made of Debian's programs."""

    FAKE = "fake"
    REAL = "real"


class Machines(StrEnum):
    """What a plan's machines are, as a report says it."""

    DEBIAN = "Both machines are Debian."
    SERVERS = "Both machines were plain Debian 13 servers, and mailnix deploy made them what they are."
    NIXOS = "Both machines are NixOS, built by nix."
    NIXOS_LAYER = (
        "NixOS's layer of both machines has been built and booted, with Debian's programs in the place of nixpkgs'."
    )


@frozen
class Options:
    """How a lab is made: its folder, the description's secrets folder (None: throw-away ones), what plays Mailcow.

    `mailcow_images` are archives of its own images; without, the machine pulls them.

    The machines of `backend` NixOS are NixOS's layer where `nixpkgs` is a tree of it, else images that nix builds;
    `local` is the folder of what their owner adds. With `servers` they are plain Debian 13, to be deployed to.
    """

    state_dir: Path
    secrets: Path | None = None
    mailcow: Mailcow = Mailcow.FAKE
    mailcow_source: Path | None = None
    mailcow_images: tuple[Path, ...] = ()
    firmware: Firmware = Firmware.BIOS
    backend: Backend = Backend.DEBIAN
    nixpkgs: Path | None = None
    local: Path | None = None
    servers: bool = False

    @property
    def machines(self) -> Machines:
        """What its machines are."""
        if self.servers:
            return Machines.SERVERS
        if self.backend is Backend.DEBIAN:
            return Machines.DEBIAN
        return Machines.NIXOS if self.nixpkgs is None else Machines.NIXOS_LAYER


@frozen
class Prepared:
    """What can be booted: the plan (DKIM keys known), each machine's spec, and what the internet must be given.

    `mailcow` is the tree that plain servers get by a deploy.
    """

    plan: Plan
    layout: Layout
    specs: Mapping[str, MachineSpec]
    authority: Authority
    secrets: Path
    mailcow: Path | None = None


def default_state_dir(config: Path, backend: Backend = Backend.DEBIAN, *, servers: bool = False) -> Path:
    """The lab folder of a description: one for each file and kind of machines, in the cache."""
    digest = hashlib.sha256(str(config.resolve()).encode()).hexdigest()[:12]
    system = "-servers" if servers else "" if backend is Backend.DEBIAN else f"-{backend}"
    return cache_dir() / "labs" / f"{config.stem}-{digest}{system}"


def sockets_folder(state_dir: Path) -> Path:
    """A short path for a lab's sockets (unix(7) allows 107 bytes), the same for each process that looks at it."""
    return Path(tempfile.gettempdir()) / f"mailnix-{hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:10]}"


def prepare(plan: Plan, options: Options, progress: Progress, runner: Runner = run) -> Prepared:
    """Make what is missing and build every image; raises BuildError, SecretsError, LabError.

    `runner` is who looks whether that is possible.
    """
    if options.backend is Backend.NIXOS:
        from mailnix.lab.nixos.machines import ensure_possible

        ensure_possible(plan, options.nixpkgs, options.local, runner)  # before minutes are spent
    options.state_dir.mkdir(parents=True, exist_ok=True)
    folder, plan = secrets_of(plan, options, progress)
    network = layout(plan)
    authority = new_authority(network)
    disks, source = bases(plan, options, progress)
    made = _machines(plan, source, options, progress)
    specs = {name: evolve(spec, kernel=made[name].kernel) for name, spec in machine_specs(plan, options, disks).items()}
    if not options.servers:
        for host in plan.hosts:
            _write_seed(plan, host.name, folder, options, authority)
    for name, spec in specs.items():
        overlay(made[name].image, spec.disk, base_format=DiskFormat.RAW, size=DISK_SIZE)
    return Prepared(plan, network, specs, authority, folder, source)


def bases(plan: Plan, options: Options, progress: Progress) -> tuple[tuple[Disk, ...], Path | None]:
    """Make all that no description is in and that is missing: bases, and who plays Mailcow, as `mailcow_disks` says.

    Raises BuildError.
    """
    with ThreadPoolExecutor(1) as pool:  # beside the bases, of which it needs none
        mailcow = pool.submit(mailcow_disks, options, progress)
        try:
            _bases(plan, options, progress)
            return mailcow.result()
        except BaseException:
            end_all()  # see `build_bases`
            raise


def machine_specs(plan: Plan, options: Options, disks: tuple[Disk, ...] = ()) -> dict[str, MachineSpec]:
    """Every machine by name, nothing of it made yet; `disks` are the internal host's, beside its seed disk."""
    specs = {
        host.name: MachineSpec(
            host.name,
            _disk(options, host.name),
            memory=INTERNAL_MEMORY if isinstance(host, InternalPlan) else PROXY_MEMORY,
            extra_disks=(
                *(() if options.servers else (Disk(_seed(options, host.name), serial="seed"),)),
                *(disks if isinstance(host, InternalPlan) else ()),
            ),
            nics=far_nics(host),
            credentials=card_names(host),
            firmware=options.firmware,
        )
        for host in plan.hosts
    }
    specs[INTERNET] = MachineSpec(
        INTERNET,
        _disk(options, INTERNET),
        memory=_internet_memory(),
        nics=layout(plan).nics,
        firmware=options.firmware,
        **_ways_in(plan, options),
    )
    return specs


def _ways_in(plan: Plan, options: Options) -> dict[str, Any]:
    """What the internet has for plain servers: packages for their apt, and a way in for whoever deploys."""
    if not options.servers:
        return {}
    from mailnix.lab.servers import build, plain

    archive = Disk(build.place(plain.wanted(plan)).archive, serial=build.SERIAL)
    return {"inlet": Inlet(ports.SSH), "extra_disks": (archive,)}


def secrets_of(plan: Plan, options: Options, progress: Progress) -> tuple[Path, Plan]:
    """The secrets folder in use (throw-away ones where the description has none), and the plan with its keys."""
    from mailnix.secrets import init, public_keys

    folder = options.secrets
    if folder is None or not folder.exists():
        folder = options.state_dir / "secrets"
        progress("no secrets beside the description: using throw-away ones")
        init(plan, folder, made_up=True)
    return folder, with_keys(plan, public_keys(folder))


def mailcow_disks(options: Options, progress: Progress) -> tuple[tuple[Disk, ...], Path | None]:
    """The disks of whoever plays Mailcow, and the tree that goes into its machine's image; None: it is fetched."""
    if options.mailcow is Mailcow.REAL:
        return _images(options, progress), options.mailcow_source
    from mailnix.lab.fake_mailcow import build_fake

    fake = build_fake(progress=progress)
    return (Disk(fake.images_disk, serial="images"),), fake.tree


def _images(options: Options, progress: Progress) -> tuple[Disk, ...]:
    """The disk with images that were saved elsewhere; none where the machine pulls them."""
    if not options.mailcow_images:
        return ()
    from mailnix.image.images_disk import images_disk, images_of

    images = images_of(options.mailcow_source)
    return (Disk(images_disk(options.mailcow_images, images, options.state_dir, progress=progress), serial="images"),)


def _bases(plan: Plan, options: Options, progress: Progress) -> None:
    """Make the bases that are missing; Mailcow's tree, which is not known yet, goes into none."""
    from mailnix.image.base import build_bases
    from mailnix.image.bootstrap import base_key

    specs = [build.base for build in builds(plan, None, options)]
    build_bases([spec for spec in specs if not (cache_dir() / "base" / base_key(spec)).exists()], progress=progress)


def _machines(plan: Plan, source: Path | None, options: Options, progress: Progress) -> dict[str, Made]:
    from mailnix.image import build_images

    folder = options.state_dir / IMAGES
    entries = build_images(builds(plan, source, options), folder, Format.RAW, progress=progress)
    made = {entry.host: Made(folder / entry.file) for entry in entries}
    if options.backend is Backend.NIXOS:
        from mailnix.lab.nixos.machines import machines

        made |= machines(plan, options.nixpkgs, source, options.local, options.state_dir, progress)
    if options.servers:
        from mailnix.lab.servers import build, plain

        bare = build.build(plain.wanted(plan), progress=progress).made
        made |= {host.name: bare for host in plan.hosts}
    return made


def builds(plan: Plan, source: Path | None, options: Options) -> tuple[HostBuild, ...]:
    """Debian's machines exactly as `mailnix build` makes them, and the internet; `source` is Mailcow's tree."""
    from mailnix.image.hosts import host_builds

    ours = options.backend is Backend.DEBIAN and not options.servers
    hosts = host_builds(plan, source) if ours else ()
    return (*hosts, _internet_build(plan))


def _internet_build(plan: Plan) -> HostBuild:
    from mailnix.debian.host import assemble
    from mailnix.debian.packages import CLOUD_KERNEL, package_set
    from mailnix.lab.internet.machine import internet

    host = assemble(INTERNET, (internet(plan),))
    return HostBuild(INTERNET, package_set(host.packages), host.tree, kernel=CLOUD_KERNEL)


def _internet_memory() -> int:
    from mailnix.lab.internet.machine import MEMORY

    return MEMORY


def _write_seed(plan: Plan, host: str, secrets: Path, options: Options, authority: Authority) -> None:
    from mailnix.secrets import seed

    seed(plan, host, secrets, _seed(options, host), [authority.certificate])


def _seed(options: Options, machine: str) -> Path:
    return options.state_dir / f"{machine}-seed.img"


def _disk(options: Options, machine: str) -> Path:
    return options.state_dir / f"{machine}.qcow2"
