"""What the pytest plugin needs of a lab, and how it gets one; a test suite may bring its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from mailnix.lab.machine import Machine
    from mailnix.plan import Plan

INTERNET = "internet"


class RunningLab(Protocol):
    """Machines that run, by name; `mailnix.lab.lab.Lab` is one."""

    @property
    def machines(self) -> Mapping[str, Machine]:
        """Every machine, the internet among them."""
        ...

    @property
    def plan(self) -> Plan:
        """What they were made from: tests take ports, addresses and names from here."""
        ...


@frozen
class Wanted:
    """What the command line asked for; `state_dir` is None for the description's own folder in the cache."""

    config: Path
    state_dir: Path | None = None
    keep: bool = False
    resume: bool = False


Progress: TypeAlias = Callable[[str], None]
Starter: TypeAlias = Callable[[Wanted, Progress], AbstractContextManager[RunningLab]]


def start_lab(wanted: Wanted, progress: Progress) -> AbstractContextManager[RunningLab]:
    """Build and boot everything that a description says; at the end it is switched off, unless it is to be kept."""
    from mailnix import pipeline
    from mailnix.lab import lab, prepare

    options = prepare.Options(
        wanted.state_dir or prepare.default_state_dir(wanted.config), pipeline.secrets_folder(wanted.config)
    )
    plan = pipeline.plan(wanted.config)
    return lab.start(plan, options, progress, keep=wanted.keep, resume=wanted.resume)
