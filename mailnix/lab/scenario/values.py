"""What a check is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from mailnix.lab.scenario.scene import Scene
from mailnix.plan.types import Plan

Look: TypeAlias = Callable[[Scene], str]
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


def _always(_plan: Plan) -> bool:
    return True


@frozen
class Check:
    """One thing that must be true of the machines; `title` is a sentence.

    `applies` gives what a plan has of the kind: nothing, or False, where there is nothing to look at.
    """

    id: str
    group: Group
    title: str
    look: Look
    applies: Callable[[Plan], object] = _always


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
