"""Options that count with --backend nixos alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mailnix.cli import options

if TYPE_CHECKING:
    from mailnix.formats.backend import Backend

nixpkgs = click.option(
    "--nixpkgs",
    type=options.PATH,
    metavar="DIR",
    envvar="MAILNIX_NIXPKGS",
    help="With --backend nixos: a nixpkgs tree, to build NixOS's layer of the machines without a binary cache.",
)
local = click.option(
    "--local",
    type=options.PATH,
    metavar="DIR",
    help="With --backend nixos: your own modules, NAME.nix for each machine [default: local/ beside CONFIG].",
)


def ensure_counts(backend: Backend, *names: str) -> None:
    """Refuse what was typed and would not count; a variable of the environment may stand."""
    context = click.get_current_context()
    for name in names:
        if backend != "nixos" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} is for --backend nixos", context)
