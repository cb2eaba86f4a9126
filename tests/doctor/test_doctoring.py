"""Checks are chosen by name, run by group, and what cannot be asked is said so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import click
import pytest
from attrs import evolve

import mailnix.doctor
from mailnix.cli.diagnosis import typed
from mailnix.cli.verbs import MAIN_VERBS
from mailnix.cli.verbs import mailnix as command_line
from mailnix.deploy.start import Reach
from mailnix.doctor.doctoring import findings
from mailnix.doctor.registry import Group, chosen
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer, Check, Exit, Severity, Vantage, Verdict, exit_status
from mailnix.errors import MailnixError
from mailnix.plan import derive
from tests.descriptions import sound

SCENE = Scene(derive(sound()))


def is_full(facts: int) -> Iterator[Verdict]:
    yield Verdict("jar", Answer.WELL if facts > 3 else Answer.WRONG, f"{facts} biscuits")


def is_there(_facts: int) -> Iterator[Verdict]:
    yield Verdict("jar", Answer.WRONG, "a jar", "look", Vantage.PROXY, Severity.WARNING)


def jars(gathered: int | MailnixError) -> Group[int]:
    def gather(_scene: Scene, _wanted: Collection[str]) -> int:
        if isinstance(gathered, MailnixError):
            raise gathered
        return gathered

    checks = (
        Check("jars.full", "It is full.", Severity.FAILURE, Vantage.HERE, is_full),
        Check("jars.there", "It is there.", Severity.FAILURE, Vantage.HERE, is_there),
    )
    return Group("jars", checks, gather)


def test_a_finding_has_what_its_check_says_unless_the_verdict_says_otherwise() -> None:
    full, there = findings(SCENE, [jars(2)], {"jars.full", "jars.there"})
    assert (full.id, full.vantage, full.severity, full.answer) == (
        "jars.full",
        Vantage.HERE,
        Severity.FAILURE,
        Answer.WRONG,
    )
    assert (there.vantage, there.severity, there.advice) == (Vantage.PROXY, Severity.WARNING, "look")


def test_only_checks_that_are_wanted_run() -> None:
    assert [each.id for each in findings(SCENE, [jars(9)], {"jars.full"})] == ["jars.full"]


def test_where_nothing_can_be_gathered_no_check_blames_anything() -> None:
    found = list(findings(SCENE, [jars(MailnixError("the kitchen is locked", "find the key"))], chosen([], [jars(1)])))
    assert {(each.answer, each.evidence, each.advice) for each in found} == {
        (Answer.UNASKED, "the kitchen is locked", "find the key")
    }
    assert exit_status(found) is Exit.UNASKED


def test_groups_and_checks_are_chosen_by_name() -> None:
    assert chosen([], [jars(1)]) == chosen(["jars"], [jars(1)]) == {"jars.full", "jars.there"}
    assert chosen(["jars.full"], [jars(1)]) == {"jars.full"}


def test_a_name_that_is_nearly_a_check_is_answered_with_that_one() -> None:
    with pytest.raises(MailnixError) as caught:
        chosen(["jars.ful"], [jars(1)])
    assert caught.value.hint == "did you mean jars.full?"


@pytest.mark.parametrize(
    ("answer", "severity", "status"),
    [
        (Answer.WELL, Severity.FAILURE, Exit.WELL),
        (Answer.WRONG, Severity.WARNING, Exit.WARNINGS),
        (Answer.ABSENT, Severity.FAILURE, Exit.FAILURES),
        (Answer.PENDING, Severity.FAILURE, Exit.WARNINGS),
        (Answer.UNASKED, Severity.WARNING, Exit.UNASKED),
    ],
)
def test_the_exit_status_is_the_worst_that_was_found(answer: Answer, severity: Severity, status: Exit) -> None:
    check = jars(1).checks[0]
    well = check.finding(Verdict("jar", Answer.WELL, ""))
    assert exit_status([well, check.finding(Verdict("jar", answer, "", severity=severity))]) is status


REACH = Reach({"internal": "root@192.168.1.20", "proxy": "ssh://root@192.0.2.1:2222"}, Path("my ssh"))
TYPED = typed(Path("my mail.py"), REACH, Path("keys"), ["192.0.2.53"], Path("ca.pem"))
TO = "--to internal=root@192.168.1.20 --to proxy=ssh://root@192.0.2.1:2222 --ssh-config 'my ssh'"


@pytest.mark.parametrize(
    ("advice", "as_typed"),
    [
        ("lay it: mailnix deploy CONFIG", f"lay it: mailnix deploy 'my mail.py' {TO} --secrets keys"),
        ("mailnix deploy CONFIG proxy", f"mailnix deploy 'my mail.py' {TO} --secrets keys proxy"),
        ("mailnix secrets init CONFIG", "mailnix secrets init 'my mail.py' --secrets keys"),
        (
            "mailnix secrets push CONFIG internal",
            "mailnix secrets push 'my mail.py' --to root@192.168.1.20 --ssh-config 'my ssh' --secrets keys internal",
        ),
        (
            "mailnix doctor CONFIG --only dns: its records",
            f"mailnix doctor 'my mail.py' {TO} --secrets keys --resolver 192.0.2.53 --authorities ca.pem"
            " --only dns: its records",
        ),
    ],
)
def test_commands_in_advice_can_be_typed_as_they_are(advice: str, as_typed: str) -> None:
    scene = evolve(SCENE, typed=TYPED.filled)
    (found,) = findings(scene, [jars(MailnixError("no", advice))], {"jars.full"})
    assert found.advice == as_typed


VERBS = "|".join(MAIN_VERBS)
COMMAND = re.compile(rf'"[^"`\n]*\bmailnix ((?:{VERBS})(?: (?:init|push))?)\b( CONFIG)?((?: --[a-z]+ [a-z.]+)*)')
NO_COMMANDS = {(f"{name}.py", "doctor") for name in ("live", "looking", "notice", "state")} | {("home.py", "check")}
"""Texts of mails, a User-Agent, the name of a file; evidence."""


def test_every_command_in_the_doctors_words_names_the_description_and_can_be_typed(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    filled = typed(Path("my mail.py"), REACH, Path("keys"), ["192.0.2.53"], authorities).filled
    sources = ((file.name, file.read_text()) for file in Path(mailnix.doctor.__path__[0]).rglob("*.py"))
    found = [(name, *said) for name, text in sources for said in COMMAND.findall(text)]
    assert len(found) > 20
    assert {(name, verb) for name, verb, config, _ in found if not config} == NO_COMMANDS
    for _, verb, config, options in found:
        assert not config or usable(shlex.split(filled(f"mailnix {verb} CONFIG{options}")))


def usable(words: Sequence[str]) -> bool:
    """Whether the command line takes it; a machine may still be missing."""
    command: click.Command = command_line
    rest = list(words[1:])
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), rest.pop(0)) or click.Command("none")
    if any(parameter.name == "host" for parameter in command.params):
        rest.append("internal")
    return bool(command.make_context("it", rest).params["config"])
