"""`mailnix deploy`: machines that run, brought to their description."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mailnix.cli import completion, machine_ways, options, output


@click.command("deploy")
@options.config
@click.argument("hosts", nargs=-1, metavar="[HOST]...", shell_complete=completion.hosts)
@click.option("--take-over", is_flag=True, help="Let servers that mailnix has not set up become these machines.")
@machine_ways.ways
def command(
    config: Path,
    hosts: tuple[str, ...],
    take_over: bool,
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
    from mailnix.deploy.start import Reach, Wish

    def may(what: str) -> bool:
        output.status(what)
        return take_over or (sys.stdin.isatty() and click.confirm("Take it over?", err=True))

    wish = Wish(str(config), hosts, within, dry_run)
    reach = Reach(machine_ways.targets_of(targets), ssh_config)
    machine_ways.told(
        lambda: pipeline.deploy(config, wish, reach, secrets, take_over=may, progress=output.status),
        config,
        as_json=as_json,
    )
