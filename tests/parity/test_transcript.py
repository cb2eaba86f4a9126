"""A machine is asked once for all; what it said is read as often as one likes."""

from __future__ import annotations

import gzip
import subprocess

import pytest

from mailnix.lab.guest import Result
from tests.parity.facts import Question, Unanswered, Values
from tests.parity.transcript import answers, ask, facts, script


class Here:
    """This machine."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = 60.0) -> Result:
        self.commands.append(command)
        done = subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, timeout=timeout, check=False)
        return Result(done.returncode, done.stdout, done.stderr)


def words(data: bytes) -> Values:
    return dict.fromkeys(data.decode(errors="replace").split(), "said")


def test_everything_is_asked_in_one_round_trip() -> None:
    here = Here()
    said = answers(ask(here, {"one": "echo 1", "two words": 'echo "it\'s $((1 + 1))"; echo no >&2; exit 3'}))
    assert len(here.commands) == 1
    assert (said["one"].status, said["one"].out) == (0, b"1\n")
    assert (said["two words"].status, said["two words"].out) == (3, b"it's 2\n")
    assert said["two words"].complaint == b"no\n"


def test_an_answer_may_be_of_any_bytes() -> None:
    said = answers(ask(Here(), {"odd": r"printf '\0one:0:5:0\n\377'", "next": "echo after"}))
    assert said["odd"].out == b"\0one:0:5:0\n\xff"
    assert said["next"].out == b"after\n"


def test_a_command_takes_nothing_away_from_the_next() -> None:
    said = answers(ask(Here(), {"greedy": "cat; cd /; exit 1", "next": "echo still here"}))
    assert said["next"].out == b"still here\n"


def test_facts_are_what_questions_make_of_it() -> None:
    said = answers(ask(Here(), {"kind": "echo a b"}))
    assert facts((Question("kind", "echo a b", words),), said) == {"kind": {"a": "said", "b": "said"}}


@pytest.mark.parametrize(("command", "told"), [("exit 4", "status 4, no output"), ("nowhere-found", "nowhere-found")])
def test_a_question_without_an_answer_is_told(command: str, told: str) -> None:
    with pytest.raises(Unanswered, match=told):
        facts((Question("kind", command, words),), answers(ask(Here(), {"kind": command})))


def test_a_question_that_was_not_asked_is_told() -> None:
    with pytest.raises(Unanswered, match="other: not asked"):
        facts((Question("other", "true", words),), answers(ask(Here(), {"kind": "echo a"})))


@pytest.mark.parametrize(
    "transcript",
    [b"", b"sh: not found", gzip.compress(b"half an answ"), gzip.compress(b"x")[:9]],
    ids=["nothing", "a shell's complaint", "half of an answer", "half of an archive"],
)
def test_what_is_no_transcript_is_refused(transcript: bytes) -> None:
    if transcript == b"":
        assert answers(gzip.compress(b"")) == {}
    with pytest.raises(Unanswered):
        answers(transcript) or facts((Question("kind", "", words),), {})


def test_a_script_leaves_nothing_behind() -> None:
    assert script({"kind": "true"}).endswith('rm -r "$PWD"\n')
