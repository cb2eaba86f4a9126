"""`mailnix secrets push`: credentials over SSH."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output
from mailnix.errors import SecretsError


@click.command("push")
@options.config
@options.host
@click.option("--to", "target", metavar="TARGET", help="SSH target [default: root at a proxy's public address].")
@click.option("--ssh-config", type=options.PATH, metavar="FILE", help="Read this instead of your own ~/.ssh/config.")
@options.secrets
@options.as_json
def command(
    config: Path, host: str, target: str | None, ssh_config: Path | None, secrets: Path | None, as_json: bool
) -> None:
    """Hand machine HOST of CONFIG its credentials over SSH; services that use changed ones restart."""
    from mailnix import pipeline
    from mailnix.plan import Plan, ProxyPlan
    from mailnix.secrets import push

    def default(plan: Plan) -> str:
        found = next((proxy for proxy in plan.hosts if isinstance(proxy, ProxyPlan) and proxy.name == host), None)
        if found is None:
            raise SecretsError(f"{host} has no public address", "say where it is: --to root@ADDRESS")
        return f"root@{found.ipv4}"

    plan = pipeline.plan(config, secrets)
    where = target or default(plan)
    output.status(f"handing credentials to {where}")
    handed = push(plan, host, pipeline.secrets_folder(config, secrets), where, config=ssh_config)
    if as_json:
        output.result_json({"host": host, "target": where, "handed": handed})
    else:
        output.result(f"{host} has its {len(handed)} credentials; what uses a changed one starts again")
