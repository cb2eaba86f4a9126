"""The `mailnix` command: its verbs are imported when they are asked for, so that each starts fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from mailnix import __version__

MAIN_VERBS = {
    "init": "mailnix.cli.init",
    "check": "mailnix.cli.check",
    "plan": "mailnix.cli.plan",
    "secrets": "mailnix.cli.secrets",
    "dns": "mailnix.cli.dns",
    "emit": "mailnix.cli.emit",
    "build": "mailnix.cli.build",
    "lab": "mailnix.cli.lab",
}


class Verbs(click.Group):
    """A group whose commands are the `command` of a module each, listed in the order of daily use."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The verbs' names."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # likewise
        """A verb, imported now; None where there is no such one."""
        if cmd_name not in self.modules:
            return None
        command = import_module(self.modules[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Verbs, modules=MAIN_VERBS, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="mailnix %(version)s")
@click.pass_context
def mailnix(context: click.Context) -> None:
    """Private email that anyone can host: a public proxy and a machine at home, from one description."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
