"""What each machine of a plan is asked."""

from __future__ import annotations

from typing import assert_never

from mailnix.plan import HostPlan, InternalPlan, ProxyPlan
from tests.parity.facts import Question
from tests.parity.kinds import accounts, files, firewall, kernel, network, programs, sockets, units


def questions(host: HostPlan) -> tuple[Question, ...]:
    """Every kind of fact that both systems' machines have of this host."""
    common = (
        units.QUESTION,
        sockets.QUESTION,
        firewall.QUESTION,
        *network.QUESTIONS,
        kernel.QUESTION,
        accounts.QUESTION,
        *files.QUESTIONS,
        *programs.QUESTIONS,
    )
    match host:
        case ProxyPlan():
            return (*common, *programs.OF_A_PROXY)
        case InternalPlan():
            return (*common, files.OF_MAILCOW, programs.DOCKER)
        case _:
            assert_never(host)
