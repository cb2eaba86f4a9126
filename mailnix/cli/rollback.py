"""`mailnix rollback`: a machine goes back to a generation that it keeps."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import machine_ways, options

DATABASES_HELP = "Let an older Mailcow come back with its database of then: what was changed since is lost."


@click.command("rollback")
@options.config
@options.host
@click.argument("number", type=click.IntRange(min=1), required=False, metavar="[N]")
@click.option("--databases", is_flag=True, help=DATABASES_HELP)
@machine_ways.ways
def command(
    config: Path,
    host: str,
    number: int | None,
    databases: bool,
    dry_run: bool,
    targets: tuple[str, ...],
    ssh_config: Path | None,
    within: int,
    secrets: Path | None,
    as_json: bool,
) -> None:
    """Bring machine HOST of CONFIG back to generation N, or to the one before; confirmed as any change is.

    What waits for its confirmation is taken back at once. Credentials and mail stay as they are, and so do databases,
    but where an older Mailcow comes back.
    """
    from mailnix import pipeline
    from mailnix.cli.changing import told
    from mailnix.deploy.start import Reach, Wish

    wish = Wish(str(config), (host,), within, dry_run, secrets=secrets)
    reach = Reach(machine_ways.targets_of(targets), ssh_config)
    told(
        lambda say: pipeline.rollback(config, number, wish, reach, databases=databases, progress=say),
        wish.commands(reach),
        as_json=as_json,
    )
