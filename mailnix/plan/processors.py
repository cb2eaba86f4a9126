"""What is not there for every processor yet, refused before anything is made."""

from __future__ import annotations

from mailnix.errors import BuildError
from mailnix.model.architecture import Architecture
from mailnix.plan.types import Plan


def is_amd64(plan: Plan) -> bool:
    """Whether every machine is what most of mailnix is for."""
    return all(host.architecture is Architecture.AMD64 for host in plan.hosts)


def refuse_others(plan: Plan, what: str) -> None:
    """Raise BuildError where a machine is not amd64 and `what` is for that alone."""
    for host in plan.hosts:
        if host.architecture is not Architecture.AMD64:
            raise BuildError(
                f"{host.name} is {host.architecture}, and {what} for {Architecture.AMD64} alone",
                "make its image, of Debian: mailnix build CONFIG",
            )
