"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

PATH: Final = click.Path(path_type=Path)

config = click.argument("config", type=PATH)
host = click.argument("host")
secrets = click.option("--secrets", type=PATH, metavar="DIR", help="Secrets folder [default: secrets/ beside CONFIG].")
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
backend = click.option("--backend", type=click.Choice(["nixos", "debian"]), help="The machines' operating system.")
mailcow_source = click.option(
    "--mailcow-source",
    type=PATH,
    metavar="DIR",
    help="Mailcow's tree, to be laid into its machine's image.",
)
