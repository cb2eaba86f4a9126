"""The `mailnix` command and its verbs."""

from __future__ import annotations

import click

from mailnix import __version__
from mailnix.cli.group import Verbs

MAIN_VERBS = {
    "init": "mailnix.cli.init",
    "adopt": "mailnix.cli.adopt",
    "check": "mailnix.cli.check",
    "plan": "mailnix.cli.plan",
    "secrets": "mailnix.cli.secrets",
    "dns": "mailnix.cli.dns",
    "guide": "mailnix.cli.guide",
    "emit": "mailnix.cli.emit",
    "build": "mailnix.cli.build",
    "deploy": "mailnix.cli.deploy",
    "rollback": "mailnix.cli.rollback",
    "doctor": "mailnix.cli.doctor",
    "lab": "mailnix.cli.lab",
}


@click.group(
    cls=Verbs, modules=MAIN_VERBS, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="mailnix %(version)s")
@click.pass_context
def mailnix(context: click.Context) -> None:
    """Private email that anyone can host: a public proxy and a machine at home, from one description."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
