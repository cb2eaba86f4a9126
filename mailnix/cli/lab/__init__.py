"""`mailnix lab`: every machine and the simulated internet, booted in QEMU."""

from __future__ import annotations

import click

from mailnix.cli.verbs import Verbs

RUN = "run"
LAB_VERBS = {name: f"mailnix.cli.lab.{name}" for name in (RUN, "shell", "stop")}


class RunUnlessTold(Verbs):
    """`mailnix lab CONFIG` means `mailnix lab run CONFIG`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before what is no verb of ours and no call for help."""
        if args and args[0] not in (*self.modules, *ctx.help_option_names):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


@click.group("lab", cls=RunUnlessTold, modules=LAB_VERBS, subcommand_metavar="CONFIG [OPTIONS] | shell MACHINE | stop")
def command() -> None:
    """Boot the machines of CONFIG and a simulated internet around them in QEMU, exchange mail, report each check.

    `mailnix lab run --help` lists the options.
    """
