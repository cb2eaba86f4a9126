"""How a check says what it saw, and that it is not what the plan says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailnix.errors import LabError


class CheckFailed(LabError):
    """The machines do not do what the plan says."""


def require(condition: object, message: str, seen: object = "") -> None:
    """Raise CheckFailed with what was seen, unless the condition holds."""
    if not condition:
        shown = str(seen).strip()
        raise CheckFailed(f"{message}: {shown[-1500:]}" if shown else message)


def code_of(reply: object) -> str:
    """An SMTP reply's code and enhanced code (RFC 3463), which is what a line of evidence has room for."""
    found = re.search(r"\b[2-5]\d\d(?:[ -][245]\.\d{1,3}\.\d{1,3})?\b", str(reply))
    return found[0].replace("-", " ") if found else " ".join(str(reply).split())[:40]


def by_answer(answers: Mapping[str, str]) -> str:
    """Who answered what, equal answers together: `550 from a, b; 554 from c`."""
    groups: dict[str, list[str]] = {}
    for who, answer in answers.items():
        groups.setdefault(answer, []).append(who)
    return "; ".join(f"{answer} from {', '.join(asked)}" for answer, asked in groups.items())
