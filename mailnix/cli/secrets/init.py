"""`mailnix secrets init`: make what is missing, keep what exists."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("init")
@options.config
@options.secrets
@options.as_json
def command(config: Path, secrets: Path | None, as_json: bool) -> None:
    """Make every credential that CONFIG needs and the secrets folder lacks."""
    from mailnix import pipeline
    from mailnix.cli.secrets.report import show
    from mailnix.secrets import init

    folder = pipeline.secrets_folder(config, secrets)
    show(init(pipeline.decided(config), folder, output.CountedProgress("DKIM keys")), as_json)
