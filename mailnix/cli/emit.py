"""`mailnix emit`: the machines' files, to read or to commit."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("emit")
@options.config
@options.backend
@click.option("--out", type=options.PATH, required=True, metavar="DIR", help="Where to write.")
@click.option("--diff", is_flag=True, help="Only show what would change.")
@options.secrets
def command(config: Path, backend: str, out: Path, diff: bool, secrets: Path | None) -> None:
    """Write what CONFIG means: NixOS modules and a flake, or the Debian machines' file trees."""
    from mailnix import pipeline
    from mailnix.formats.backend import Backend

    changes = pipeline.emit(pipeline.plan(config, secrets), Backend(backend), out, diff=diff)
    if diff:
        output.result(changes or "nothing would change")
    else:
        output.status(f"written: {out}")
