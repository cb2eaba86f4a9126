"""`mailnix secrets rotate`: make credentials anew, one by one."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("rotate")
@options.config
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.secrets
@options.as_json
def command(config: Path, names: tuple[str, ...], secrets: Path | None, as_json: bool) -> None:
    """Make the named credentials of CONFIG anew, and the copies that depend on them.

    NAME is as `mailnix plan` prints it, or MACHINE/NAME where several have one; mailcow.dkim:DOMAIN and
    mailcow.mailboxes:ADDRESS name a single key or password.
    """
    from mailnix import pipeline
    from mailnix.cli.secrets.report import show
    from mailnix.secrets import rotate

    folder = pipeline.secrets_folder(config, secrets)
    progress = output.CountedProgress("DKIM keys")
    show(rotate(pipeline.decided(config), folder, names, progress), as_json)
