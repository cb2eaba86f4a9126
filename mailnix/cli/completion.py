"""What a shell may complete on a command line; nothing where it cannot be known.

`eval "$(_MAILNIX_COMPLETE=bash_source mailnix)"` turns it on, in zsh and fish with their names.
"""

from __future__ import annotations

import contextlib
import io

import click

from mailnix.errors import MailnixError


def hosts(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """The machines of the description on the line, for a shell that completes; none where it cannot be read."""
    from mailnix.config import load

    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        topology = load(context.params["config"])
        names = (*(proxy.name for proxy in topology.proxies), topology.internal.name)
        return [name for name in names if name.startswith(incomplete)]
    return []


def machines(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """The machines that run, for a shell that completes."""
    from mailnix.cli.lab.running import machines as running_machines
    from mailnix.cli.lab.running import state_dir_of

    with contextlib.suppress(MailnixError):
        found = running_machines(state_dir_of(context.params.get("state_dir")))
        return [name for name in found if name.startswith(incomplete)]
    return []
