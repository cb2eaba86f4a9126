"""`mailnix deploy`: machines that run, brought to their description."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from mailnix.cli import completion, machine_ways, nixos_options, options, output

BACKEND_HELP: Final = "Refuse machines that run another system [default: whichever each runs]."


@click.command("deploy")
@options.config
@click.argument("hosts", nargs=-1, metavar="[HOST]...", shell_complete=completion.hosts)
@click.option("--take-over", is_flag=True, help="Let servers that mailnix has not set up become these machines.")
@click.option("--upgrade", is_flag=True, help="Upgrade Debian's packages first, too, and show versions of everything.")
@click.option("--backend", type=click.Choice(["debian", "nixos"]), help=BACKEND_HELP)
@nixos_options.local
@click.option("--build-host", metavar="TARGET", help="On NixOS: where systems are built [default: here].")
@options.mailcow_source
@machine_ways.ways
def command(
    config: Path,
    hosts: tuple[str, ...],
    take_over: bool,
    upgrade: bool,
    backend: str | None,
    local: Path | None,
    build_host: str | None,
    mailcow_source: Path | None,
    dry_run: bool,
    targets: tuple[str, ...],
    ssh_config: Path | None,
    within: int,
    secrets: Path | None,
    as_json: bool,
) -> None:
    """Bring the machines of CONFIG, or those named, to their description over SSH.

    A change stays only if a new connection, the tunnel, Mailcow and port 25 answer after it; else it is taken back,
    by the machine itself where nobody reaches it.
    """
    from mailnix import pipeline
    from mailnix.cli.changing import told
    from mailnix.deploy.start import Reach, Wish
    from mailnix.formats.backend import Backend

    def may(what: str) -> bool:
        output.status(what)
        return take_over or (sys.stdin.isatty() and click.confirm("Take it over?", err=True))

    system = Backend(backend) if backend else None
    wish = Wish(str(config), hosts, within, dry_run, upgrade, system, build_host, mailcow_source, secrets, local)
    reach = Reach(machine_ways.targets_of(targets), ssh_config)
    told(
        lambda say: pipeline.deploy(config, wish, reach, take_over=may, progress=say),
        wish.commands(reach),
        as_json=as_json,
    )
