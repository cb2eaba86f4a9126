"""The answers that `mailnix init` takes, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final

import attrs

from mailnix.errors import MailnixError, Severity
from mailnix.model.check import problems
from mailnix.starter import Answers, Reach, topology

Change = Callable[[str], Mapping[str, Any]]
"""From the text of an answer to the fields of `Answers` that it decides; raises Refused."""


class Refused(MailnixError):
    """An answer that says nothing, and why."""


SOUND: Final = Answers(domain="example.org", hostname="mail.example.org", ipv4="203.0.113.10")
"""What stands for answers that are not given yet; the one mistake in it is that nobody can log in."""


def heard(answers: Answers, change: Change, text: str) -> tuple[Answers, str]:
    """The answers with one more, or as they were and what is wrong with it."""
    try:
        new = attrs.evolve(answers, **change(text))
    except Refused as error:
        return answers, error.message
    said = _mistakes(new, answers)
    return (answers, said) if said else (new, "")


def _mistakes(answers: Answers, before: Answers) -> str:
    """The first mistake that was not there before, with what to do; empty where there is none.

    A wrong domain makes a wrong host name, of which nobody has asked yet.
    """
    old = {problem.message for problem in problems(topology(before))}
    for problem in sorted(problems(topology(answers)), key=lambda problem: not problem.path.startswith("domains")):
        if problem.severity is Severity.ERROR and problem.message not in old:
            return problem.message + (f": {problem.hint}" if problem.hint else "")
    return ""


def reach(text: str) -> Mapping[str, Any]:
    """One of the ways home."""
    if text not in set(Reach):
        raise Refused(f"{text[:30]!r} is none of {', '.join(Reach)}")
    return {"reach": Reach(text)}


def lan(text: str) -> Mapping[str, Any]:
    """The network that an address with a length is in: routers show 192.168.1.1/24."""
    if not text:
        return {"lan": ""}
    example = "write it with its length, such as 192.168.1.0/24"
    if "/" not in text:
        raise Refused(f"{text[:50]!r} is not a network: {example}")
    try:
        return {"lan": str(ip_network(text, strict=False))}
    except ValueError:
        raise Refused(f"{text[:50]!r} is not a network: {example}") from None
