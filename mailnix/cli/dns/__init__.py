"""`mailnix dns`: the records to publish, and what is published."""

from __future__ import annotations

import click

from mailnix.cli.group import UsualVerb

DNS_VERBS = {name: f"mailnix.cli.dns.{name}" for name in ("show", "diff")}


@click.group("dns", cls=UsualVerb, modules=DNS_VERBS, usual="show")
def command() -> None:
    """Print the DNS records to publish, or compare them with what is published.

    `mailnix dns CONFIG` is `mailnix dns show CONFIG`.
    """
