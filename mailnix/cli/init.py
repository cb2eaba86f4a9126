"""`mailnix init`: a first description."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mailnix.cli import options, output
from mailnix.errors import MailnixError

FILE = "mail.py"
KEY_HELP = "An SSH public key that may log in; may be repeated [default: one of ~/.ssh]."


@click.command("init")
@click.argument("folder", type=options.PATH, default=".", metavar="[DIR]")
@click.option("--domain", help="The first mail domain, such as example.org.")
@click.option("--hostname", help="What clients connect to [default: mail.DOMAIN].")
@click.option("--proxy-ipv4", help="The proxy's static public IPv4 address.")
@click.option("--proxy-ipv6", help="Its IPv6 address, where it has one.")
@click.option("--mailbox", "mailboxes", multiple=True, metavar="NAME", help="A mailbox; may be repeated.")
@click.option("--admin-key", "keys", multiple=True, metavar="KEY|FILE", help=KEY_HELP)
@click.option("--reach", help="How you log in to the machine at home: home, proxy or both [default: home].")
@click.option("--lan", metavar="NETWORK", help="The home network, such as 192.168.1.0/24 [default: any private one].")
@click.option("--sealed", is_flag=True, help="Nobody shall log in to any machine, not even you.")
@click.option("--force", is_flag=True, help=f"Replace an existing {FILE}.")
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
