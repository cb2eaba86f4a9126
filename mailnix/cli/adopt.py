"""`mailnix adopt`: the description that fits an existing Mailcow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mailnix.cli import options, output
from mailnix.cli.api_key import asked
from mailnix.cli.machine_options import FILE, machines
from mailnix.errors import MailnixError


@click.command("adopt")
@click.argument("source", metavar="URL|SSH")
@click.argument("folder", type=options.PATH, default=".", metavar="[DIR]")
@click.option("--api-key-file", type=options.PATH, metavar="FILE", help="A file with Mailcow's API key [default: ask].")
@click.option(
    "--ca", type=options.PATH, metavar="FILE", help="The authority of Mailcow's certificate [default: known]."
)
@click.option("--hostname", help="What clients connect to [default: as there].")
@machines
@options.secrets
def command(
    source: str,
    folder: Path,
    api_key_file: Path | None,
    ca: Path | None,
    hostname: str | None,
    secrets: Path | None,
    force: bool,
    **given: Any,
) -> None:
    """Read the Mailcow at URL (https://…, by its API) or SSH (root@…[:/folder]), and write DIR/mail.py that fits it.

    Nothing is changed there. What a description cannot say is in the file's comments.
    """
    from mailnix import pipeline
    from mailnix.adopt.fit import fit
    from mailnix.cli.questions import answers_about_machines
    from mailnix.formats.python import printable

    target = folder / FILE
    if target.exists() and not force:
        raise MailnixError(f"{target} exists already", "name another folder, or replace it with --force")
    found = pipeline.existing(source, lambda: asked(api_key_file), hostname or "", ca)
    fitted = fit(found)
    counts = f"{len(found.domains)} domains, {len(found.mailboxes)} mailboxes, {len(found.aliases)} aliases"
    for line in (f"{source}: {counts}", *map(printable, fitted.left_out)):
        output.status(line)
    answers = answers_about_machines({**given, "hostname": found.hostname}, fitted.domains)
    made, taken = pipeline.adopt(found, answers, target, pipeline.secrets_folder(target, secrets))
    output.result(str(target))
    output.status(f"{len(made.notes)} notes in it say what the description does not")
    for line in _about_keys(taken, [domain.name for domain in made.topology.domains]):
        output.status(line)
    output.status(f"next: mailnix check {target}")


def _about_keys(taken: Any, domains: list[str]) -> list[str]:
    """What became of the DKIM keys."""
    missing = [name for name in domains if name not in (*taken.new, *taken.other)]
    said = [f"DKIM keys taken over: {len(taken.new)} of {len(domains)}"]
    said += [f"  {name}: the secrets folder has another key, which stays" for name in taken.other]
    said += [f"  {name}: its key is none of RSA" for name in taken.unusable]
    others = "  for the others `mailnix secrets init` makes new ones: publish them before mail leaves from there"
    return [*said, others] if missing else said
