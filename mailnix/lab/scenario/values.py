"""What a check is, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from mailnix.errors import LabError
from mailnix.plan.types import Plan

if TYPE_CHECKING:
    from mailnix.lab.scenario.scene import Scene

Question: TypeAlias = "Callable[[Scene], str]"
"""Looks at the machines; gives the evidence in a few words, or raises CheckFailed."""


class Group(StrEnum):
    """What a check is about, as the report shows it."""

    INBOUND = "inbound"
    RELAY = "relay"
    OUTBOUND = "outbound"
    WEB = "web"
    ISOLATION = "isolation"
    BAD_DAYS = "bad days"
    HEALTH = "health"

    @property
    def is_mail(self) -> bool:
        """Whether its checks exchange mail."""
        return self in (Group.INBOUND, Group.RELAY, Group.OUTBOUND)

    @property
    def may_overlap(self) -> bool:
        """Whether its checks disturb no other: they exchange mail, each with its own token, and look at pages."""
        return self.is_mail or self is Group.WEB


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"
    FAIL = "fail"


class CheckFailed(LabError):
    """The machines do not do what the plan says."""


def _always(_plan: Plan) -> bool:
    return True


@frozen
class Check:
    """One thing that must be true of the machines; `title` is a sentence, `applies` says for which plans."""

    id: str
    group: Group
    title: str
    question: Question
    applies: Callable[[Plan], bool] = _always


@frozen
class Outcome:
    """What came of a check: its evidence, or what went wrong; `seconds` that it took."""

    id: str
    group: Group
    title: str
    verdict: Verdict
    evidence: str
    seconds: float


@frozen
class Report:
    """What came of a lab; seconds from its start until mail could flow, all mail was exchanged, and its end."""

    outcomes: tuple[Outcome, ...]
    ready: float
    exchanged: float
    total: float


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
