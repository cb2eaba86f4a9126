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
_WELL: Final = Known(Answer.WELL)


def changes(before: State, findings: Collection[Finding], ran: Collection[str]) -> tuple[tuple[Finding, ...], State]:
    """What is news, and what is known now; of checks that did not run, what was known stays.

    At first everything that is not well is news. Afterwards an answer is that differs from the last one, and a question
    that nobody answered in two runs in a row. A fault may be told of a part (`proxy /var`) that has no answer of its
    own where all is well, or nobody could be asked: it is mended where the whole (`proxy`) is well, and stays what it
    was while its check had a question that nobody answered.
    """
    told = {(each.id, each.subject): each for each in findings}
    silent = {subject: known for subject, known in before.items() if subject not in told}
    mended = {whole for subject, known in silent.items() if _is_news(known, _WELL) for whole in _wholes(subject)}
    after: dict[Subject, Known] = {}
    news = []
    for each in findings:
        subject = (each.id, each.subject)
        known = before.get(subject, _WELL)
        after[subject] = now = _now(known, each.answer)
        if _is_news(known, now) or (each.answer is Answer.WELL and subject in mended):
            news.append(each)
    mute = {each.id for each in findings if each.answer is Answer.UNASKED}
    for subject, known in silent.items():
        if subject[0] not in ran:
            after[subject] = known
        elif subject[0] in mute and not any(_is_well(told.get(whole)) for whole in _wholes(subject)):
            after[subject] = _now(known, Answer.UNASKED)
    return tuple(news), after


def _now(known: Known, answer: Answer) -> Known:
    return evolve(known, unasked=known.unasked + 1) if answer is Answer.UNASKED else Known(answer)


def _is_news(known: Known, now: Known) -> bool:
    if now.unasked:
        return now.unasked == PATIENCE
    return now.answer is not known.answer or known.unasked >= PATIENCE


def _is_well(finding: Finding | None) -> bool:
    return finding is not None and finding.answer is Answer.WELL


def _wholes(subject: Subject) -> Iterator[Subject]:
    """What a subject may be a part of: judges write it behind the whole (`proxy /var`, `a@b to c@d, dkim`)."""
    name, about = subject
    words = about.split(" ")
    yield from ((name, " ".join(words[:count]).rstrip(",")) for count in range(1, len(words)))


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
