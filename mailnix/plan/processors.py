"""What is not there for every processor yet: refused before anything is made, or left out of what is."""

from __future__ import annotations

from collections.abc import Iterable

from mailnix.errors import BuildError
from mailnix.model.architecture import Architecture
from mailnix.plan.types import HostPlan, Plan

MEDIA_ARE = "media that install (iso) are"


def usual(plan: Plan) -> tuple[HostPlan, ...]:
    """The machines that all of mailnix is for."""
    return tuple(host for host in plan.hosts if is_usual(host))


def is_usual(host: HostPlan) -> bool:
    """Whether a machine is one of these."""
    return host.architecture is Architecture.AMD64


def refuse_others(plan: Plan, what: str) -> None:
    """Raise BuildError, which names them, where machines are not amd64 and `what` is for that alone."""
    others = [host for host in plan.hosts if not is_usual(host)]
    if others:
        raise BuildError(left_out(others, what), "make its image, of Debian: mailnix build CONFIG")


def left_out(others: Iterable[HostPlan], what: str) -> str:
    """Why these machines get nothing of `what`, in words."""
    which = ", ".join(f"{host.name} is {host.architecture}" for host in others)
    return f"{which}, and {what} for {Architecture.AMD64} alone"
