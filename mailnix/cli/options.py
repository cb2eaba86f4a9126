"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from mailnix.cli import completion, output

PATH: Final = click.Path(path_type=Path)
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

config = click.argument("config", type=PATH)
host = click.argument("host", shell_complete=completion.hosts)
secrets = click.option("--secrets", type=PATH, metavar="DIR", help="Secrets folder [default: secrets/ beside CONFIG].")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
backend = click.option(
    "--backend",
    type=click.Choice(["debian", "nixos"]),
    default="debian",
    show_default=True,
    help="The machines' operating system.",
)

DEPRECATED_FAKE: Final = "double"  # the fake Mailcow's name before 0.1.0


def _mailcow(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value != DEPRECATED_FAKE:
        return value
    output.status(f"--mailcow {DEPRECATED_FAKE} is called --mailcow fake now")
    return "fake"


mailcow = click.option(
    "--mailcow",
    type=click.Choice(["fake", "real", DEPRECATED_FAKE]),
    default="fake",
    show_default=True,
    metavar="[fake|real]",
    callback=_mailcow,
    help="Debian's programs behind Mailcow's interfaces, or Mailcow's own images.",
)
mailcow_source = click.option(
    "--mailcow-source",
    type=PATH,
    metavar="DIR",
    help="Mailcow's tree, to be laid onto its machine, which then fetches none.",
)
mailcow_images = click.option(
    "--mailcow-images",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Mailcow's images as docker save writes them (tar, gzip, zstd), for no or slow internet; may be repeated.",
)


def refuse_together(mailcow: str, images: tuple[Path, ...], backend: str, *, servers: bool) -> None:
    """Raise UsageError where options of a lab contradict each other."""
    if images and mailcow != "real":
        raise click.UsageError("--mailcow-images is for --mailcow real")
    if servers and backend == "nixos":
        raise click.UsageError("--servers are Debian's: leave out --backend nixos")
