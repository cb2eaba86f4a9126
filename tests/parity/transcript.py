"""All that a machine is asked, as one script, and all that it says, as one compressed text.

An emulated machine needs seconds for each round trip, and a minute where it does anything else. What is kept is what
was said, so that it can be read anew, by readers that have changed since, without the machine.
"""

from __future__ import annotations

import gzip
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from tests.parity.facts import Facts, Guest, Question, Unanswered, Values

PATIENCE = 600.0
"""Seconds without a sign of life."""

_BEGIN: Final = """\
cd "$(mktemp -d)"
asked() {
    sh -c "$2" > out 2> err < /dev/null
    echo "$1:$?:$(wc -c < out):$(wc -c < err)"
    cat out err
}
"""
_END: Final = 'rm -r "$PWD"\n'


@frozen
class Answer:
    """How one command ended, what it printed and what it complained of."""

    status: int
    out: bytes
    complaint: bytes


def script(commands: Mapping[str, str]) -> str:
    """A shell script that runs these commands, by kind, each in a shell of its own."""
    asked = (f"asked {shlex.quote(kind)} {shlex.quote(command)}\n" for kind, command in commands.items())
    return "".join((_BEGIN, *asked, _END))


def ask(guest: Guest, commands: Mapping[str, str]) -> bytes:
    """What a machine says to these commands, as `answers` reads it."""
    return guest.execute("sh -s | gzip", stdin=script(commands).encode(), timeout=PATIENCE).stdout_bytes


def answers(transcript: bytes) -> Mapping[str, Answer]:
    """A transcript's answers, by kind; raises Unanswered where it is none."""
    try:
        return dict(_answers(gzip.decompress(transcript)))
    except (ValueError, OSError, EOFError) as error:
        raise Unanswered(f"no transcript: {transcript[:80]!r}") from error


def _answers(text: bytes) -> Iterator[tuple[str, Answer]]:
    while text:
        head, _, text = text.partition(b"\n")
        kind, status, out, complaint = head.decode().split(":")
        end, after = int(out), int(out) + int(complaint)
        yield kind, Answer(int(status), text[:end], text[end:after])
        text = text[after:]


def facts(questions: Sequence[Question], said: Mapping[str, Answer]) -> Facts:
    """What these questions make of it; raises Unanswered where one was not answered."""
    return {question.kind: _values(question, said.get(question.kind)) for question in questions}


def _values(question: Question, said: Answer | None) -> Values:
    if said is None:
        raise Unanswered(f"{question.kind}: not asked")
    values = question.read(said.out) if said.out else {}
    if not values:
        complaint = said.complaint.decode(errors="replace").strip()
        raise Unanswered(f"{question.kind}: status {said.status}, {complaint or 'no output'}")
    return values
