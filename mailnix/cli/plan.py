"""`mailnix plan`: everything decided."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("plan")
@options.config
@options.secrets
@options.as_json
def command(config: Path, secrets: Path | None, as_json: bool) -> None:
    """Print the decided addresses, ports, flows, DNS records and certificates of CONFIG."""
    from mailnix import pipeline

    plan = pipeline.plan(config, secrets)
    if as_json:
        output.result_json(plan)
        return
    from mailnix.cli.tables import plan_text

    output.result(plan_text(plan))
