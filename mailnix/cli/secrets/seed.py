"""`mailnix secrets seed`: the disk that a fresh machine takes its credentials from."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("seed")
@options.config
@options.host
@click.option(
    "--out", type=options.PATH, metavar="FILE", help="Disk image [default: HOST-seed.img in the secrets folder]."
)
@click.option("--ca", "authorities", type=options.FILE, multiple=True, metavar="FILE", help="A certificate to trust.")
@click.option("--replace", is_flag=True, help="Let these credentials take the place of those that the machine has.")
@options.secrets
@options.as_json
def command(
    config: Path,
    host: str,
    out: Path | None,
    authorities: tuple[Path, ...],
    replace: bool,
    secrets: Path | None,
    as_json: bool,
) -> None:
    """Make the seed disk of machine HOST: attach it at first boot, remove it afterwards, keep it secret."""
    from mailnix import pipeline
    from mailnix.secrets import seed

    folder = pipeline.secrets_folder(config, secrets)
    target = out or folder / f"{host}-seed.img"
    trusted = [file.read_bytes() for file in authorities]
    made = seed(pipeline.plan(config, secrets), host, folder, target, trusted, replace=replace)
    if as_json:
        output.result_json({"host": host, "file": made})
    else:
        output.result(str(made))
