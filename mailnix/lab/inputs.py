"""What the machines of a lab are made of, as one digest: a state that was saved of other inputs runs older code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mailnix import __version__
from mailnix.formats.backend import Backend
from mailnix.image.values import HostBuild
from mailnix.lab.disks import DISK_SIZE
from mailnix.lab.machine import paths_for
from mailnix.lab.prepare import Mailcow, Options, builds, machine_specs, sockets_folder
from mailnix.lab.qemu_argv import qemu_argv
from mailnix.lab.spec import Accel
from mailnix.nar import nar_hash
from mailnix.plan import Plan
from mailnix.tree import File


def digest(plan: Plan, options: Options, secrets: Path) -> str:
    """Equal for equal inputs: every file of every image, Mailcow, credentials, and QEMU's words for each machine.

    What stays on this side (checks, commands, messages) is no input, so that a changed check may look at a saved lab.
    `plan` has its DKIM keys known, `secrets` is the folder in use.
    """
    from mailnix.secrets.folder import Folder

    found = hashlib.sha256()
    for word in (__version__, DISK_SIZE, Folder(secrets).fingerprint(), *software(plan, options)):
        found.update(f"{word}\0".encode())
    for word in _machines(plan, options):
        found.update(f"{word}\0".encode())
    return found.hexdigest()


def software(plan: Plan, options: Options) -> Iterator[str]:
    """What machines run, whatever their credentials and wherever the lab is: every file of every image, and Mailcow."""
    yield from _mailcow(options)
    yield from _images(plan, options)


def _mailcow(options: Options) -> Iterator[str]:
    yield options.mailcow
    if options.mailcow is Mailcow.FAKE:
        from mailnix.lab.fake_mailcow.build import key

        yield key()
    for file in options.mailcow_images:  # gigabytes: by what changes when they do
        status = file.stat()
        yield f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"


def _images(plan: Plan, options: Options) -> Iterator[str]:
    source = options.mailcow_source if options.mailcow is Mailcow.REAL else None
    for build in builds(plan, source, options):
        yield from of_build(build)
    if options.servers:
        from mailnix.debian.host import debian_hosts
        from mailnix.debian.package import generation
        from mailnix.lab.servers import build as servers
        from mailnix.lab.servers.plain import wanted

        yield servers.key(wanted(plan))
        yield from (generation(host, 1).digest for host in debian_hosts(plan))
    if options.backend is Backend.NIXOS:
        from mailnix.lab.nixos.machines import inputs

        yield from inputs(plan, options.nixpkgs, options.local)


def of_build(build: HostBuild) -> Iterator[str]:
    """What one image is made of: its base by key, and each file and link of the machine."""
    from mailnix.image.bootstrap import base_key

    yield f"{build.name} {base_key(build.base)} {build.disk_size}"
    for entry in build.tree:
        if isinstance(entry, File):
            yield f"{entry.path} {entry.mode:o} {hashlib.sha256(entry.data).hexdigest()}"
        else:
            yield f"{entry.path} -> {entry.target}"
    for extra in build.extra_trees:
        yield f"{extra.dest} {nar_hash(extra.source)}"


def _machines(plan: Plan, options: Options) -> Iterator[str]:
    """How each machine is put together. The processor is not asked for: a saved state names its own."""
    for name, spec in machine_specs(plan, options).items():
        paths = paths_for(name, options.state_dir / "machines", sockets_folder(options.state_dir))
        yield from qemu_argv(spec, paths, Accel.TCG)
