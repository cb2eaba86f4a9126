"""`mailnix lab`: every machine and the simulated internet, booted in QEMU."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli.group import Verbs
from mailnix.slips import did_you_mean

RUN = "run"
LAB_VERBS = {name: f"mailnix.cli.lab.{name}" for name in (RUN, "shell", "stop")}


class RunUnlessTold(Verbs):
    """`mailnix lab CONFIG` means `mailnix lab run CONFIG`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before what is no verb of ours and no call for help."""
        if args and (likely := _mistyped(args[0])):
            raise click.UsageError(f"there is no file and no verb {args[0]!r}: did you mean {likely}?", ctx)
        if args and args[0] not in (*self.modules, *ctx.help_option_names):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


def _mistyped(word: str) -> str:
    """The verb that was meant by a word that could be a description's name, but is none."""
    if word in LAB_VERBS or word.startswith("-") or Path(word).suffix or Path(word).exists():
        return ""
    return did_you_mean(word, list(LAB_VERBS))


@click.group("lab", cls=RunUnlessTold, modules=LAB_VERBS, subcommand_metavar="CONFIG [OPTIONS] | shell MACHINE | stop")
def command() -> None:
    """Boot the machines of CONFIG and a simulated internet around them in QEMU, exchange mail, report each check.

    `mailnix lab run --help` lists the options.
    """
