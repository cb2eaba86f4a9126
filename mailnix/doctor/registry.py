"""The groups of checks: which there are, and how each gathers what its checks judge.

A new group is a module with a `GROUP`, and its name here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from typing import Any, Final, Generic

from attrs import frozen

from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Check, Facts
from mailnix.errors import MailnixError
from mailnix.slips import did_you_mean

MODULES: Final[tuple[str, ...]] = (
    "mailnix.doctor.dns",
    "mailnix.doctor.machines.proxy",
    "mailnix.doctor.machines.internal",
    "mailnix.doctor.outside",
)
"""In the order in which they run, which is that of `mailnix doctor`: what others depend on comes first."""

MAIL: Final = "e2e"
"""The group that sends a mail: it is there when somebody says where to."""


@frozen
class Group(Generic[Facts]):
    """Checks that judge the same facts; their ids begin with the group's name and a dot.

    `gather` has all the effects: it is given the scene and the ids that are wanted, so that it can leave out what they
    do not need. Questions that nobody answers are facts too, and no errors; where nothing can be gathered at all it
    raises MailnixError, and every wanted check of the group becomes one that could not be asked.
    """

    name: str
    checks: tuple[Check[Facts], ...]
    gather: Callable[[Scene, Collection[str]], Facts]


def groups(modules: Iterable[str] = MODULES) -> tuple[Group[Any], ...]:
    """Every group, imported now."""
    return tuple(import_module(module).GROUP for module in modules)


def chosen(only: Iterable[str], known: Iterable[Group[Any]]) -> frozenset[str]:
    """The ids that are meant by names of groups and checks: all of them where none is named; raises MailnixError."""
    by_name = {group.name: [check.id for check in group.checks] for group in known}
    ids = [each for checks in by_name.values() for each in checks]
    found: list[str] = []
    for name in only:
        if name not in by_name and name not in ids:
            likely = did_you_mean(name, [*by_name, *ids])
            hint = f"did you mean {likely}?" if likely else _groups(by_name)
            raise MailnixError(f"there is no check {name!r}", hint)
        found += by_name.get(name, [name])
    return frozenset(found or ids)


def _groups(by_name: Iterable[str]) -> str:
    always = [name for name in by_name if name != MAIL]
    return f"groups are {', '.join(always)}, and with --mail-to {MAIL}"
