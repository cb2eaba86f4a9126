"""`mailnix lab shell`: commands on a machine of a kept lab."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailnix.cli import options, output
from mailnix.cli.lab import completion
from mailnix.errors import LabError

if TYPE_CHECKING:
    from mailnix.lab.machine import Machine


@click.command("shell")
@click.argument("machine", shell_complete=completion.machines)
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
@click.option("--state-dir", type=options.PATH, metavar="DIR", help="The lab's folder [default: the one that runs].")
def command(machine: str, words: tuple[str, ...], state_dir: Path | None) -> int:
    """Run COMMAND as root on MACHINE of the running lab, or each line that is typed.

    Lines go through the guest agent: each is a shell of its own, so `cd` lasts for its line only.
    """
    from mailnix.cli.lab.running import machines, state_dir_of

    state_dir = state_dir_of(state_dir)
    found = machines(state_dir)
    if machine not in found:
        raise LabError(
            f"no running machine is called {machine!r}", f"there is {', '.join(found) or 'none'} in {state_dir}"
        )
    if words:
        return _run(found[machine], " ".join(words))
    status = 0
    for line in _lines(machine):
        status = _run(found[machine], line)
    return status


def _run(machine: Machine, line: str) -> int:
    ended = machine.execute(line)
    click.echo(ended.stdout, nl=False)
    click.echo(ended.stderr, nl=False, err=True)
    return ended.status


def _lines(machine: str) -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        return
    output.status("each line runs as root in a shell of its own; Ctrl-D leaves")
    while True:
        try:
            line = input(f"{machine}# ")
        except EOFError:
            output.status("")
            return
        if line.strip():
            yield line
