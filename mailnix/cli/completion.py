"""What a shell may complete on a command line; nothing where it cannot be known.

`eval "$(_MAILNIX_COMPLETE=bash_source mailnix)"` turns it on, in zsh and fish with their names.
"""

from __future__ import annotations

import contextlib
import io

import click


def hosts(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """The machines of the description on the line, for a shell that completes; none where it cannot be read."""
    from mailnix.config import load

    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        topology = load(context.params["config"])
        names = (*(proxy.name for proxy in topology.proxies), topology.internal.name)
        return [name for name in names if name.startswith(incomplete)]
    return []
