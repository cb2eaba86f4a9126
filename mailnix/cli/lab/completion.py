"""What a shell may complete of a kept lab; nothing where none runs."""

from __future__ import annotations

import contextlib

import click

from mailnix.errors import MailnixError


def machines(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """The machines that run, for a shell that completes."""
    from mailnix.cli.lab.running import machines as running_machines
    from mailnix.cli.lab.running import state_dir_of

    with contextlib.suppress(MailnixError):
        found = running_machines(state_dir_of(context.params.get("state_dir")))
        return [name for name in found if name.startswith(incomplete)]
    return []
