"""`mailnix dns show`: the records to publish, as a zone file or as other programs and pages want them."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output

FORMATS = ("zone", "json", "octodns", "dnscontrol", "opentofu")


@click.command("show")
@options.config
@options.secrets
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="A file for a DNS server or a program [default: zone]."
)
@click.option("--provider", metavar="NAME", help="Your DNS provider: a table to copy from, or whom OpenTofu is to ask.")
@click.option("--out", type=options.PATH, metavar="DIR", help="Write files here, one for each zone where it must be.")
@options.as_json
def command(
    config: Path, secrets: Path | None, form: str | None, provider: str | None, out: Path | None, as_json: bool
) -> None:
    """Print the DNS records that CONFIG needs: why, and how much each is needed.

    What is set elsewhere (reverse names, another domain's zone) is in no file for programs.
    """
    from mailnix import pipeline
    from mailnix.zones import paste, providers
    from mailnix.zones.forms import Form, whole

    chosen = Form("json" if as_json else form or "zone")
    pasted = provider is not None and form is None and not as_json
    _refuse(chosen, provider, out, pasted=pasted)
    records = pipeline.plan(config, secrets).records
    if any(record.placeholder for record in records):
        output.status("some records have no key yet: mailnix secrets init")
    if pasted:
        output.result(paste.table(records, providers.provider(provider or "")))
    elif out is None:
        output.result(whole(chosen, records, provider))
    else:
        for path in pipeline.write_zones(chosen, records, out, provider):
            output.status(f"written: {path}")
    if pasted or out is not None or chosen not in (Form.ZONE, Form.JSON):
        for record in (record for record in records if not record.zone):
            output.status(f"to be set elsewhere: {record.name} {record.type} {record.data} ({record.note})")


def _refuse(form: str, provider: str | None, out: Path | None, *, pasted: bool) -> None:
    if pasted and out is not None:
        raise click.UsageError("--provider alone is a table to copy from: leave --out out, or say which --format")
    if provider is not None and not pasted and form != "opentofu":
        raise click.UsageError(f"--provider is a table of its own, or goes with --format opentofu: not with {form}")
