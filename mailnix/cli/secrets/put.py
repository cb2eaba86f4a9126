"""`mailnix secrets put`: a password that somebody else has made."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailnix.cli import options


@click.command("put")
@options.config
@click.argument("name", metavar="NAME")
@options.secrets
@options.as_json
def command(config: Path, name: str, secrets: Path | None, as_json: bool) -> None:
    """Keep the password NAME of CONFIG, a relay's: asked for without showing it, or read from standard input.

    NAME is as `mailnix plan` prints it.
    """
    from mailnix import pipeline
    from mailnix.cli.secrets.report import show
    from mailnix.secrets import Secret, put

    asked = sys.stdin.isatty()
    text = click.prompt("Password", hide_input=True, err=True) if asked else sys.stdin.readline()
    secret = Secret(text.rstrip("\r\n").encode())
    show(put(pipeline.decided(config), pipeline.secrets_folder(config, secrets), name, secret), as_json)
