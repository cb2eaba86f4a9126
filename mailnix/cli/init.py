"""`mailnix init`: a first description."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mailnix.cli import options, output
from mailnix.cli.machine_options import FILE, machines
from mailnix.errors import MailnixError


@click.command("init")
@click.argument("folder", type=options.PATH, default=".", metavar="[DIR]")
@click.option("--domain", help="The first mail domain, such as example.org.")
@click.option("--hostname", help="What clients connect to [default: mail.DOMAIN].")
@click.option("--mailbox", "mailboxes", multiple=True, metavar="NAME", help="A mailbox; may be repeated.")
@machines
def command(folder: Path, force: bool, **given: Any) -> None:
    """Ask a few questions (or take the options) and write a commented mail.py into DIR."""
    from mailnix.cli.questions import answers_of
    from mailnix.model.check import ensure
    from mailnix.starter import script, topology
    from mailnix.write import writing

    target = folder / FILE
    if target.exists() and not force:
        raise MailnixError(f"{target} exists already", "edit it, or replace it with --force")
    answers = answers_of(given)
    if not sys.stdin.isatty():
        ensure(topology(answers), "your answers")
    with writing(target):
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(script(answers))
    output.result(str(target))
    ensure(topology(answers), str(target))  # typed or not, nobody shall have to give it all again
    output.status(f"next: mailnix check {target}")
