"""Options that count with --backend nixos alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from mailnix.cli import options, output

if TYPE_CHECKING:
    from pathlib import Path

    from mailnix.formats.backend import Backend

NIXPKGS: Final = "MAILNIX_NIXPKGS"

nixpkgs = click.option(
    "--nixpkgs",
    type=options.PATH,
    metavar="DIR",
    envvar=NIXPKGS,
    help="With --backend nixos: a nixpkgs tree, to build NixOS's layer of the machines without a binary cache.",
)
local = click.option(
    "--local",
    type=options.PATH,
    metavar="DIR",
    help="On NixOS: your own modules, NAME.nix for each machine [default: local/ beside CONFIG].",
)


def ensure_counts(backend: Backend, *names: str) -> None:
    """Refuse what was typed and would not count; a variable of the environment may stand."""
    context = click.get_current_context()
    for name in names:
        if backend != "nixos" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} is for --backend nixos", context)


def begin(backend: Backend, nixpkgs: Path | None) -> None:
    """Refuse what would not count and what is no tree, by the name of who said it; say how NixOS machines are made."""
    ensure_counts(backend, "nixpkgs", "local")
    if backend != "nixos":
        return
    context = click.get_current_context()
    source = NIXPKGS if context.get_parameter_source("nixpkgs") is ParameterSource.ENVIRONMENT else "--nixpkgs"
    if nixpkgs is None:
        if os.environ.get(NIXPKGS) == "":
            raise click.UsageError(f"{NIXPKGS} is empty: name a nixpkgs tree, or unset it for images by nix", context)
        output.status("NixOS machines: images that nix builds")
        return
    from mailnix.lab.nixos.tree import is_tree

    if not is_tree(nixpkgs):
        hint = "give the folder that holds its nixos/ and pkgs/"
        raise click.UsageError(f"{source} names {nixpkgs}, which is no nixpkgs tree: {hint}", context)
    output.status(f"NixOS machines: NixOS's layer by {source}, {nixpkgs}, with Debian's programs in nixpkgs' place")
