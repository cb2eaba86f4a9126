"""Split DNS: a resolver that leads its devices to the machine at home says nothing of what the world finds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from mailnix.resolve import Answer, Found, Question, Unasked

SPLIT: Final = Unasked("leads to an address at home (split DNS), so it says nothing of what the world finds")
_AT_HOME: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""RFC 1918, RFC 4193."""


def without(answers: Mapping[Question, Answer], ours: Collection[str]) -> dict[Question, Answer]:
    """A resolver's answers, less those about names that it leads home and about names below them.

    `ours` are described addresses, which are the world's whatever network they are in. Routers answer for such a name
    whole: no other type is there, and nothing below.
    """
    homes = {name for (name, _kind), answer in answers.items() if _leads_home(answer, ours)}
    return {question: SPLIT if _is_below(question[0], homes) else answer for question, answer in answers.items()}


def _leads_home(answer: Answer, ours: Collection[str]) -> bool:
    return isinstance(answer, Found) and all(each not in ours and _is_at_home(each) for each in answer.records)


def _is_at_home(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:  # data of another type
        return False
    return any(address in each for each in _AT_HOME if each.version == address.version)


def _is_below(name: str, homes: Collection[str]) -> bool:
    while name and name not in homes:
        name = name.partition(".")[2]
    return bool(name)
