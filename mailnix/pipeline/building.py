"""From a plan to disks: an image a machine, media that install it, and the disk with Mailcow's images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import BuildError
from mailnix.formats.backend import Backend
from mailnix.pipeline.emitting import NIXOS_IS, with_local
from mailnix.plan import Plan
from mailnix.plan.processors import MEDIA_ARE, left_out, refuse_others, usual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailnix.image import Format, Manifest, Progress


def refuse_images(plan: Plan, backend: Backend, form: Format) -> None:
    """Raise BuildError where a machine's processor has no such image; of media, where none has one."""
    from mailnix.image import Format

    if backend is Backend.NIXOS:
        refuse_others(plan, NIXOS_IS)
    if form is Format.ISO and not usual(plan):
        refuse_others(plan, MEDIA_ARE)


def build(
    plan: Plan,
    backend: Backend,
    form: Format,
    out: Path,
    *,
    mailcow_source: Path | None = None,
    local: Path | None = None,
    disk_serials: Mapping[str, str] | None = None,
    progress: Progress,
) -> Manifest:
    """One disk image a machine in `out`, a manifest, and what helps to write them onto disks.

    Machines without media for their processor are named, and left out of those. `local` is the folder of what a NixOS
    machine's owner adds; `disk_serials` are the disks that media install to without a question, by machine.
    """
    from mailnix.image import Format, read_manifest
    from mailnix.image.beside import lay_beside
    from mailnix.image.media import build_media

    refuse_images(plan, backend, form)
    hosts = usual(plan) if form is Format.ISO else plan.hosts
    if others := [host for host in plan.hosts if host not in hosts]:
        progress(f"no medium: {left_out(others, MEDIA_ARE)}")
    names = [host.name for host in hosts]
    images = partial(_images, plan, backend, names, mailcow_source=mailcow_source, local=local, progress=progress)
    if form is Format.ISO:
        build_media(partial(images, Format.RAW_GZ), names, out, disk_serials or {}, progress=progress)
    else:
        images(form, out)
    manifest = read_manifest(out)
    if manifest is None:
        raise BuildError(f"{out} has no manifest after the build", "run the same command again")
    lay_beside(out, manifest)
    return manifest


def _images(
    plan: Plan,
    backend: Backend,
    names: Sequence[str],
    form: Format,
    out: Path,
    *,
    mailcow_source: Path | None,
    local: Path | None,
    progress: Progress,
) -> None:
    from mailnix.image import build_images
    from mailnix.image import nix as nix_images
    from mailnix.image.hosts import host_builds

    match backend:
        case Backend.NIXOS:
            nix_images.build(with_local(plan, local, progress), names, form, out, progress)
        case Backend.DEBIAN:
            builds = [each for each in host_builds(plan, mailcow_source) if each.name in names]
            build_images(builds, out, form, progress=progress)


def images_disk(
    plan: Plan, files: Sequence[Path], source: Path | None, out: Path, form: Format, progress: Progress
) -> Path | None:
    """The disk that the machine at home loads Mailcow's images from, made of archives of `docker save`, if any.

    It is raw where machines' are packed: layers of Docker images are packed already, and it is gigabytes.
    """
    if not files:
        return None
    from mailnix.image import Format
    from mailnix.image.images_disk import images_disk, images_of

    plain = Format.RAW if form in (Format.RAW_GZ, Format.ISO) else form
    processor = plan.internal.architecture
    return images_disk(files, images_of(source), out, plain, architecture=processor, progress=progress)
