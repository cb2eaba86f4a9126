"""What Mailcow's own code answered, and how another answer differs from it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tests.lab.fake_mailcow.contract.asking import Answer

HERE: Final = Path(__file__).parent
RECORD: Final = HERE / "mailcow.json"


@frozen
class Exceptions:
    """Fields that may be absent, calls that may be answered in another way, refusals at random, with the reasons."""

    absent: Mapping[str, str]
    answers: Mapping[str, str]
    random: Mapping[str, str] = field(factory=dict)


def recorded() -> dict[str, Answer]:
    """Mailcow's answers by the questions' names."""
    found: dict[str, Answer] = json.loads(RECORD.read_text("utf-8"))
    return found


def record(answers: Mapping[str, Answer]) -> str:
    """The file with these answers, one a line, so that a change is a line of a diff."""
    lines = (f"{json.dumps(name)}: {dumped(answer)}" for name, answer in answers.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def exceptions() -> Exceptions:
    """What exceptions.toml says."""
    return Exceptions(**tomllib.loads((HERE / "exceptions.toml").read_text("utf-8")))


def differences(real: Mapping[str, Answer], other: Mapping[str, Answer], known: Exceptions) -> Iterator[str]:
    """One line for each: a question, what Mailcow said, what the other said; known exceptions are left out."""
    for name in [*real, *(other.keys() - real.keys())]:
        one, two = real.get(name), other.get(name)
        if name in known.answers:
            if one == two:
                yield f"{name}: is the same in both, and no exception any more"
        elif without(one, known.absent) != without(two, ()):
            yield f"{name}: Mailcow {dumped(one)[:600]}\n{' ' * len(name)}  other {dumped(two)[:600]}"


def without(answer: Answer | None, absent: Mapping[str, str] | tuple[()]) -> Any:
    """An answer without some fields of it, named with dots."""
    if answer is None or not isinstance(answer["body"], dict):
        return answer
    return {**answer, "body": _without(answer["body"], absent, "")}


def _without(row: Mapping[str, Any], absent: Mapping[str, str] | tuple[()], above: str) -> dict[str, Any]:
    return {
        name: _without(value, absent, f"{above}{name}.") if isinstance(value, dict) else value
        for name, value in row.items()
        if f"{above}{name}" not in absent
    }


def has_field(answers: Mapping[str, Answer], dotted: str) -> bool:
    """Whether any answer has a field."""
    return any(without(answer, {dotted: ""}) != answer for answer in answers.values())


def dumped(answer: Answer | None) -> str:
    """On one line."""
    return json.dumps(answer, ensure_ascii=False, sort_keys=True)
