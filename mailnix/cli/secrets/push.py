"""`mailnix secrets push`: credentials over SSH."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output

TO_HELP = "SSH target [default: what `mailnix plan` says, by way of a proxy where that is described]."


@click.command("push")
@options.config
@options.host
@click.option("--to", "target", metavar="TARGET", help=TO_HELP)
@click.option("--ssh-config", type=options.PATH, metavar="FILE", help="Read this instead of your own ~/.ssh/config.")
@options.secrets
@options.as_json
def command(
    config: Path, host: str, target: str | None, ssh_config: Path | None, secrets: Path | None, as_json: bool
) -> None:
    """Hand machine HOST of CONFIG its credentials over SSH; services that use changed ones restart."""
    from mailnix import pipeline
    from mailnix.secrets import push, way_to
    from mailnix.ssh import Way

    plan = pipeline.plan(config, secrets)
    way = Way(target, config=ssh_config) if target is not None else way_to(plan, host, ssh_config)
    output.status(f"handing credentials to {way}")
    handed = push(plan, host, pipeline.secrets_folder(config, secrets), way)
    if as_json:
        output.result_json({"host": host, "target": way.target, "jump": way.jump, "handed": handed})
    else:
        output.result(f"{host} has its {len(handed)} credentials; what uses a changed one starts again")
