"""`mailnix secrets`: make, hand over and rotate credentials; prints none."""

from __future__ import annotations

import click

from mailnix.cli.group import Verbs

SECRETS_VERBS = {name: f"mailnix.cli.secrets.{name}" for name in ("init", "put", "seed", "push", "rotate")}


@click.group("secrets", cls=Verbs, modules=SECRETS_VERBS)
def command() -> None:
    """Make credentials and hand them to machines; none is ever printed."""
