"""`mailnix emit`: the machines' files, to read or to commit; or Debian packages of them."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output

FORMATS = ("tree", "deb")


@click.command("emit")
@options.config
@options.backend
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="tree",
    show_default=True,
    help="Files, or (Debian) a package of each machine: its next generation.",
)
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="Where to write.")
@click.option("--diff", is_flag=True, help="Only show what would change.")
@options.secrets
def command(config: Path, backend: str, form: str, out: Path, diff: bool, secrets: Path | None) -> None:
    """Write what CONFIG means: NixOS modules and a flake, or the Debian machines' file trees or packages."""
    from mailnix import pipeline
    from mailnix.formats.backend import Backend

    plan = pipeline.plan(config, secrets)
    if form == "deb":
        _refuse(backend, diff)
        for made in pipeline.emit_packages(plan, out, output.status):
            output.status(f"{'written' if made.anew else 'as it was'}: {made.path}")
        return
    changes = pipeline.emit(plan, Backend(backend), out, diff=diff)
    if diff:
        output.result(changes or "nothing would change")
    else:
        output.status(f"written: {out}")


def _refuse(backend: str, diff: bool) -> None:
    if backend != "debian":
        raise click.UsageError("--format deb goes with --backend debian: NixOS machines have generations of their own")
    if diff:
        raise click.UsageError("--diff compares files: leave --format deb out")
