"""What the doctor found last time, so that a run can tell what has changed since."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from mailnix.doctor.values import Answer, Finding
from mailnix.errors import MailnixError
from mailnix.write import locked, write_file, writing

PATIENCE: Final = 2
"""After so many runs in a row a question that nobody answers is told: once may be a network that was down."""
VERSION: Final = 1
_ANOTHER: Final = "name another: --state FILE"
Subject = tuple[str, str]
"""A check's id and what it is about."""


@frozen
class Known:
    """The last answer that was one (none: UNASKED), and in how many runs since then nobody could say."""

    answer: Answer
    unasked: int = 0


State = Mapping[Subject, Known]


def changes(before: State, findings: Collection[Finding], ran: Collection[str]) -> tuple[tuple[Finding, ...], State]:
    """What is news, and what is known now; of checks that did not run, what was known stays.

    At first everything that is not well is news. Afterwards an answer is that differs from the last one, and a question
    that nobody answered in two runs in a row.
    """
    after = {subject: known for subject, known in before.items() if subject[0] not in ran}
    news = []
    for each in findings:
        known = before.get((each.id, each.subject), Known(Answer.WELL))
        now = evolve(known, unasked=known.unasked + 1) if each.answer is Answer.UNASKED else Known(each.answer)
        after[each.id, each.subject] = now
        if now.unasked == PATIENCE or (
            not now.unasked and (now.answer is not known.answer or known.unasked >= PATIENCE)
        ):
            news.append(each)
    return tuple(news), after


def default_file(config: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the state of a description is kept (XDG Base Directory Specification)."""
    base = Path(environment.get("XDG_STATE_HOME") or Path(environment.get("HOME", "/root"), ".local/state"))
    digest = hashlib.sha256(str(config.resolve()).encode()).hexdigest()[:12]
    return base / "mailnix" / f"doctor-{config.stem}-{digest}.json"


def read(file: Path) -> State:
    """What is known; nothing where there is no such file. Raises MailnixError where it is something else."""
    try:
        said = json.loads(file.read_text("utf-8"))
        if said["version"] != VERSION:
            raise ValueError
        entries: Iterable[tuple[str, str, str, int]] = said["known"]
        return {(name, subject): Known(Answer(answer), int(unasked)) for name, subject, answer, unasked in entries}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise MailnixError(f"{file}: {error.strerror or error}", _ANOTHER) from None
    except (ValueError, KeyError, TypeError, RecursionError):  # the last: brackets in brackets
        hint = f"{_ANOTHER}; or remove this one, if it was one"  # it may be anybody's, named by a slip
        raise MailnixError(f"{file} is no state of mailnix doctor", hint) from None


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Have it for one run at a time, waiting for another; raises MailnixError where its folder cannot be written."""
    with contextlib.ExitStack() as stack:
        with writing(file):
            stack.enter_context(locked(file.with_name(f".{file.name}.lock")))
        yield


def write(file: Path, state: State) -> None:
    """Keep it for the next run, where a link leads; raises MailnixError where that cannot be."""
    known = [[*subject, each.answer.value, each.unasked] for subject, each in sorted(state.items())]
    with writing(file):
        write_file(file.resolve(), (json.dumps({"version": VERSION, "known": known}, indent=1) + "\n").encode())
