"""`mailnix dns diff`: what is published, beside what is described."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output
from mailnix.cli.examining import Examining

SERVER_HELP = "Ask this DNS server alone (ADDRESS, ADDRESS:PORT, or its name): your new provider's, say."


@click.command("diff", cls=Examining)
@options.config
@options.secrets
@click.option("--server", metavar="SERVER", help=SERVER_HELP)
@options.as_json
def command(config: Path, secrets: Path | None, server: str | None, as_json: bool) -> int:
    """Compare the DNS records that CONFIG needs with what is published, and name what is in their way.

    Asked are the servers of each zone, and this machine's resolver. Status: 0 all as described, 1 something differs,
    3 somebody could not be asked, and nothing else differs, or the command or the description cannot be read.
    """
    from mailnix import pipeline
    from mailnix.cli.dns.told import told

    plan = pipeline.plan(config, secrets)
    if unknown := [record.name for record in plan.records if record.placeholder]:
        output.status(f"not compared, for it has no key yet (mailnix secrets init): {', '.join(unknown)}")
    found = pipeline.published(plan, server)
    if as_json:
        output.result_json(found)
    else:
        output.result(told(found))
    return found.status
