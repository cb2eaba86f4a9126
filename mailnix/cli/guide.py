"""`mailnix guide`: one page to follow."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("guide")
@options.config
@options.secrets
@click.option("--out", type=options.PATH, default="guide.html", show_default=True, metavar="FILE", help="The page.")
@click.option("--doctor", type=options.PATH, metavar="FILE", help="What `mailnix doctor --json` printed, to be shown.")
@click.option("--provider", metavar="NAME", help="Your DNS provider, whose way of typing records the page takes.")
def command(config: Path, secrets: Path | None, out: Path, doctor: Path | None, provider: str | None) -> None:
    """Write a page of CONFIG's own values to follow: orders, commands, DNS records, settings of mail programs."""
    from mailnix import pipeline

    pipeline.guide(config, secrets, doctor, provider, out)
    output.status(f"{out}: open it in a browser, or print it; no secret is in it")
