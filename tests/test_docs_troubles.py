"""The page for bad days has what the guide has, and what it says to type can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from mailnix.cli.group import UsualVerb, Verbs
from mailnix.cli.verbs import mailnix
from mailnix.config import load
from mailnix.doctor.e2e.live import live
from mailnix.doctor.machines.asked import wanted_units
from mailnix.doctor.registry import chosen, groups
from mailnix.guide.commands import words
from mailnix.guide.troubles import troubles
from mailnix.plan import derive

HOWTO = Path(__file__).parent.parent / "docs/howto"
PAGE = (HOWTO / "troubles.md").read_text()
PLAN = derive(load(HOWTO.parent / "examples/two_machines.py"))
TROUBLES = tuple(troubles(words("mail.py"), PLAN))
TYPED = (*re.findall(r"^\$ (.+)$", PAGE, re.M), *re.findall(r"`((?:mailnix|ssh) [^`]+ [^`]+)`", PAGE))


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_page_and_the_guide_have_the_same_troubles_in_the_same_order() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.M) == [each.seen for each in TROUBLES]


@pytest.mark.parametrize("seen", [each.seen for each in TROUBLES])
def test_the_first_command_is_the_guides(seen: str) -> None:
    (trouble,) = (each for each in TROUBLES if each.seen == seen)
    first = re.findall(r"^\$ (.+)$", section(seen), re.M)[:1]
    assert first == ([trouble.command] if trouble.command else [])


def test_the_guide_names_pages_that_are_there() -> None:
    assert {each.page for each in TROUBLES} == {f"docs/howto/{Path(each.page).name}" for each in TROUBLES}
    assert [each.page for each in TROUBLES if not (HOWTO / Path(each.page).name).is_file()] == []


@pytest.mark.parametrize("line", [line for line in TYPED if line.startswith("mailnix ")])
def test_each_command_of_mailnix_is_one_that_it_takes(line: str) -> None:
    made = context(shlex.split(line)[1:])
    assert str(made.params["config"]) == "mail.py"
    known = (*groups(), live("you@example.net", "", answers=False))
    assert chosen(made.params.get("only", ()), known)


def context(typed: Sequence[str]) -> click.Context:
    """What click makes of a command."""
    command: click.Command = mailnix
    rest = list(typed)
    while isinstance(command, Verbs):
        if isinstance(command, UsualVerb) and rest[0] not in command.modules:
            rest.insert(0, command.usual)
        command = command.get_command(click.Context(command), rest.pop(0)) or click.Command("none")
    return command.make_context("it", rest)


def test_machines_are_those_of_the_example_and_have_the_units_that_are_named() -> None:
    targets = {shlex.split(line)[1] for line in TYPED if line.startswith("ssh ")}
    assert targets == {f"root@{PLAN.proxies[0].ipv4}", "root@ADDRESS"}
    units = set(re.findall(r"journalctl [^`\n]*?-f?u ([a-z-]+)", PAGE))
    assert len(units) > 3
    assert units <= {unit.partition(".")[0] for host in PLAN.hosts for unit in wanted_units(PLAN, host)}


def test_links_lead_to_headings() -> None:
    for page, heading in re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", PAGE):
        text = (HOWTO / page).read_text() if page else PAGE
        assert heading in map(slug, re.findall(r"^#+ (.+)$", text, re.M)), heading


def slug(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
