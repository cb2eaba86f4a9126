"""Options of the verbs that change machines which run: how they are reached, how long they wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from mailnix.cli import options
from mailnix.deploy.defaults import WITHIN

F = TypeVar("F", bound=Callable[..., Any])

SSH_HELP: Final = "Read this instead of your own ~/.ssh/config."
TO_HELP: Final = "Where a machine is, as ssh takes it; may be repeated [default: what `mailnix plan` says]."
WITHIN_HELP: Final = "How long a change waits to be confirmed before it is taken back."
SECONDS: Final = click.IntRange(min=60)
targets = click.option("--to", "targets", multiple=True, metavar="HOST=TARGET", help=TO_HELP)
ssh_config = click.option("--ssh-config", type=options.PATH, metavar="FILE", help=SSH_HELP)
_OPTIONS: Final = (
    click.option("--dry-run", is_flag=True, help="Only show files, units and packages that would change."),
    targets,
    ssh_config,
    click.option("--within", type=SECONDS, default=WITHIN, show_default=True, metavar="SECONDS", help=WITHIN_HELP),
    options.secrets,
    options.as_json,
)


def ways(function: F) -> F:
    """Give a verb these options: `dry_run`, `targets`, `ssh_config`, `within`, `secrets`, `as_json`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def targets_of(words: tuple[str, ...]) -> dict[str, str]:
    """HOST=TARGET, each."""
    for word in words:
        if "=" not in word:
            raise click.UsageError(f"--to {word}: write --to HOST=TARGET, such as --to internal=root@192.168.1.20")
    return {host: target for host, _, target in (word.partition("=") for word in words)}
