"""`mailnix dns`: the records to publish."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("dns")
@options.config
@options.secrets
@click.option("--format", "form", type=click.Choice(["zone", "json"]), default="zone", show_default=True)
@options.as_json
def command(config: Path, secrets: Path | None, form: str, as_json: bool) -> None:
    """Print the DNS records that CONFIG needs, as zone-file text or JSON."""
    from mailnix import pipeline
    from mailnix.plan.dns import zone_text

    records = pipeline.plan(config, secrets).records
    if any(record.placeholder for record in records):
        output.status("DKIM records have no key yet: mailnix secrets init")
    if as_json or form == "json":
        output.result_json(records)
    else:
        output.result(zone_text(records))
