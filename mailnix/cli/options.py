"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from mailnix.cli import completion, output

if TYPE_CHECKING:
    from mailnix.formats.backend import Backend

PATH: Final = click.Path(path_type=Path)

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
nixpkgs = click.option(
    "--nixpkgs",
    type=PATH,
    metavar="DIR",
    envvar="MAILNIX_NIXPKGS",
    help="With --backend nixos: a nixpkgs tree, to build NixOS's layer of the machines without a binary cache.",
)
local = click.option(
    "--local",
    type=PATH,
    metavar="DIR",
    help="With --backend nixos: your own modules, NAME.nix for each machine [default: local/ beside CONFIG].",
)


def for_nixos_alone(backend: Backend, *names: str) -> None:
    """Refuse what was typed and would not count; a variable of the environment may stand."""
    context = click.get_current_context()
    for name in names:
        if backend != "nixos" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} is for --backend nixos", context)


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
    help="Mailcow's tree, to be laid into its machine's image.",
)
