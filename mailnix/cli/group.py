"""Groups of verbs: imported when they are asked for, so that each starts fast; suggested when mistyped."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from mailnix.slips import did_you_mean

WHOLE = 1000  # characters; no sentence is longer


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is asked for; where there is none, the one that was probably meant is named."""
        if not ctx.resilient_parsing and args[0] not in self.modules and (likely := self._likely(ctx, args[0])):
            raise click.UsageError(f"there is no verb {args[0]!r}: did you mean {likely}?", ctx)
        return super().resolve_command(ctx, args)

    def _likely(self, ctx: click.Context, word: str) -> str:
        """A verb of that name in a group of ours, or one whose name is near; empty where there is none."""
        for name in self.modules:
            group = self.get_command(ctx, name)
            if isinstance(group, Verbs) and word in group.modules:
                return f"{name} {word}"
        return did_you_mean(word, list(self.modules))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each verb with its whole first sentence, on as many lines as that takes."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(limit=WHOLE)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class UsualVerb(Verbs):
    """A group that stands for one of its verbs, `usual`, where none is named."""

    def __init__(self, *args: Any, usual: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.usual = usual

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the usual verb before words that begin with none, and are no call for help."""
        if args and args[0] not in (*self.modules, *self.get_help_option_names(ctx)):
            args = [self.usual, *args]
        return super().parse_args(ctx, args)
