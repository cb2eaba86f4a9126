"""How a test says that it is an attack: the table in docs/reference/attacks.md is made of these marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import pytest

T = TypeVar("T")


class Kind(StrEnum):
    """What is attacked, or by what; the table's sections, in this order."""

    RELAY = "Relay forms"
    SMUGGLING = "Smuggled endings"
    FORGERY = "Forged identities and foreign commands"
    INJECTION = "Injection"
    PIPELINING = "Order and pipelining"
    EARLY = "Early talk"
    FLOOD = "Floods"
    BACKEND = "Mailcow refuses, closes, hangs"
    CONTENT = "Odd content"
    DISK = "Full disks"
    KILL = "kill -9"
    TLS = "TLS"
    RECEIVER = "Bad receivers"
    DNS = "DNS answers"
    WEB = "Caddy's closed paths"
    FIREWALL = "Firewall probes"


def attack(kind: Kind, *, right: str, source: str, what: str = "", postfix: bool = False) -> pytest.MarkDecorator:
    """The mark of an attack: what is `right` in the answer, and the `source` that says so.

    `what` is tried; by default the test's own name says it. `postfix` where the same test asks Postfix too.
    """
    return pytest.mark.attack(kind=kind, right=right, source=source, what=what, postfix=postfix)


def no_reason(_case: object) -> str:
    """Nothing is open."""
    return ""


def attacks(
    kind: Kind,
    cases: Iterable[T],
    *,
    name: Callable[[T], str],
    right: Callable[[T], str],
    source: str,
    postfix: bool = False,
    is_open: Callable[[T], str] = no_reason,
) -> list[object]:
    """Cases for `parametrize`, each of which is an attack with a name and an answer of its own.

    `is_open` gives the reason why another answer is seen today, where it is.
    """
    return [
        pytest.param(
            case,
            id=name(case),
            marks=[
                attack(kind, what=name(case), right=right(case), source=source, postfix=postfix),
                *still_open(is_open(case)),
            ],
        )
        for case in cases
    ]


def still_open(reason: str) -> list[pytest.MarkDecorator]:
    """The mark of a case that fails for now, where there is a reason; it must go when the case passes."""
    return [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
