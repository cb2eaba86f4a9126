"""`mailnix build`: a disk image for each machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from mailnix.cli import image_options, nixos_options, options, output


@click.command("build")
@options.config
@options.backend
@image_options.form
@image_options.disk_serials
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="Where to put images and manifest.json.")
@options.mailcow_source
@options.mailcow_images
@nixos_options.local
@options.secrets
@options.as_json
def command(
    config: Path,
    backend: str,
    form: str,
    disk_serials: Mapping[str, str],
    out: Path,
    mailcow_source: Path | None,
    mailcow_images: tuple[Path, ...],
    local: Path | None,
    secrets: Path | None,
    as_json: bool,
) -> None:
    """Build a disk image for each machine of CONFIG, and a manifest. No secret goes in.

    Beside them are SHA256SUMS and write-disk.sh, which writes one onto a disk; what to do next is said. An ISO is for a
    USB stick, from which a machine is started once: it shows the machine's disks, asks for one, and writes that.

    With --mailcow-images, one more disk, which the machine at home loads Mailcow's images from.
    """
    from mailnix import pipeline
    from mailnix.cli import built
    from mailnix.formats.backend import Backend
    from mailnix.image.values import Format

    chosen = Backend(backend)
    nixos_options.ensure_counts(chosen, "local")
    image_options.ensure_count(form, disk_serials)
    plan = pipeline.plan(config, secrets)
    pipeline.refuse_images(plan, chosen, Format(form))
    disk = pipeline.images_disk(plan, mailcow_images, mailcow_source, out, Format(form), output.status)
    if disk is not None:
        output.status(f"Mailcow's images are on {disk}: attach it to {plan.internal.name}")
    manifest = pipeline.build(
        plan,
        chosen,
        Format(form),
        out,
        mailcow_source=mailcow_source,
        local=pipeline.local_folder(config, local),
        disk_serials=disk_serials,
        progress=output.status,
    )
    if as_json:
        output.result_json(manifest)
    else:
        built.show(manifest, plan, Format(form), out, config, secrets)
