"""The commands that pages tell people to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from mailnix.cli.group import UsualVerb, Verbs
from mailnix.cli.lab import RUN, RunUnlessTold
from mailnix.cli.verbs import mailnix

DOCS = Path(__file__).parent.parent / "docs"
CONSOLE = re.compile(r"^( *)```console\n(.*?)^\1```", re.M | re.S)
NFT_FAMILIES = ("inet", "ip", "ip6", "netdev")  # the table that mailnix loads has its name
PROMPT = re.compile(r"^ *[$#] (.*)$", re.M)


def section(page: Path, title: str) -> str:
    """The part of a page below the heading that begins so."""
    (found,) = (part for part in page.read_text().split("\n## ") if part.startswith(title))
    return found


def commands(page: Path, title: str = "") -> tuple[str, ...]:
    """What stands behind a prompt, `$` or `#`, on a page or in its section; without the remark at a line's end."""
    text = section(page, title) if title else page.read_text()
    blocks = (block for _, block in CONSOLE.findall(text))
    return tuple(re.sub(r"\s+# .*$", "", command) for block in blocks for command in PROMPT.findall(block))


def numbers(said: str) -> list[str]:
    """The lines of an output that are nothing but a number, or a checksum of what came by a pipe."""
    return re.findall(r"^(\d+|[0-9a-f]{64})(?:  -)?$", said, re.M)


def called(command: str) -> Iterator[list[str]]:
    """The words of each call of mailnix in a command; raises ValueError where they are no words of a shell."""
    words = shlex.split(command, comments=True)
    for number, word in enumerate(words):
        if word == "mailnix" and (number == 0 or words[number - 1] not in NFT_FAMILIES):
            rest = words[number + 1 :]
            ends = [place for place, each in enumerate(rest) if each in (";", "&&", "||", "|", ">", "<")]
            yield rest[: min(ends, default=len(rest))]


def parse(words: list[str]) -> None:
    """Read a command line as mailnix does, and run nothing; raises click's UsageError."""
    verb: click.Command | None = mailnix
    context, name = click.Context(mailnix, info_name="mailnix"), "mailnix"
    while isinstance(verb, Verbs):
        if (usual := _usual(verb)) and (not words or words[0] not in verb.modules):
            words = [usual, *words]
        if not words:
            return
        (name, *words), group = words, verb
        verb = group.get_command(context, name)
        if verb is None:
            raise click.UsageError(f"there is no verb {name!r}")
    assert verb is not None
    verb.make_context(name, list(words), parent=context)


def _usual(group: Verbs) -> str:
    """The verb that a group takes where none is named; empty where there is no such one."""
    if isinstance(group, UsualVerb):
        return group.usual
    return RUN if isinstance(group, RunUnlessTold) else ""
