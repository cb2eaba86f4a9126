"""`mailnix init`: a first description."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mailnix.cli import options, output
from mailnix.errors import MailnixError

FILE = "mail.py"
KEY_FILES = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")


@click.command("init")
@click.argument("folder", type=options.PATH, default=".", metavar="[DIR]")
@click.option("--domain", help="The first mail domain, such as example.org.")
@click.option("--hostname", help="What clients connect to [default: mail.DOMAIN].")
@click.option("--proxy-ipv4", help="The proxy's static public IPv4 address.")
@click.option("--proxy-ipv6", help="Its IPv6 address, where it has one.")
@click.option("--mailbox", "mailboxes", multiple=True, metavar="NAME", help="A mailbox; may be repeated.")
@click.option("--admin-key", "keys", multiple=True, metavar="KEY|FILE", help="An SSH public key that may log in.")
@click.option("--force", is_flag=True, help=f"Replace an existing {FILE}.")
def command(folder: Path, force: bool, **given: Any) -> None:
    """Ask a few questions (or take the options) and write a commented mail.py into DIR."""
    from mailnix.model.check import ensure
    from mailnix.starter import Answers, script, topology

    target = folder / FILE
    if target.exists() and not force:
        raise MailnixError(f"{target} exists already", "edit it, or replace it with --force")
    domain = given["domain"] or _ask("Your mail domain", "--domain")
    answers = Answers(
        domain=domain,
        hostname=given["hostname"] or _ask("What clients connect to", "--hostname", f"mail.{domain}"),
        ipv4=given["proxy_ipv4"] or _ask("Static public IPv4 address of the proxy", "--proxy-ipv4"),
        ipv6=given["proxy_ipv6"] or _ask("Its IPv6 address, empty for none", "--proxy-ipv6", ""),
        mailboxes=given["mailboxes"] or tuple(_ask("First mailboxes, without the domain", "--mailbox", "me").split()),
        admin_keys=tuple(_key(key) for key in given["keys"]) or _own_keys(),
    )
    ensure(topology(answers), "your answers")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(script(answers))
    output.result(str(target))
    output.status(f"next: mailnix check {target}")


def _ask(question: str, option: str, default: str | None = None) -> str:
    """The answer; without a terminal the default, or an error naming the option."""
    if sys.stdin.isatty():
        return str(click.prompt(question, default=default, err=True)).strip()
    if default is None:
        raise click.UsageError(f"there is no terminal to ask on: give {option}")
    return default


def _key(given: str) -> str:
    """A key, or the first line of the file that has it."""
    return Path(given).read_text().strip() if Path(given).is_file() else given


def _own_keys() -> tuple[str, ...]:
    files = (Path.home() / ".ssh" / name for name in KEY_FILES)
    return next(((_key(str(file)),) for file in files if file.is_file()), ())
