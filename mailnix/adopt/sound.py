"""Make a description sound: what `mailnix check` refuses is left out, with its reason as a note.

Names come from another machine, and versions of Mailcow took what ours does not; a description with one such name must
not make whoever adopts it hunt for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from attrs import evolve

from mailnix.adopt.fit import Fitted
from mailnix.errors import Problem, Severity
from mailnix.formats.python import source
from mailnix.model.check import problems
from mailnix.model.topology import Domain, Topology

_PATH: Final = re.compile(
    r"domains\[(?P<domain>\d+)\](\.(?P<list>\w+)(\[(?P<number>\d+)\])?(\.(?P<field>\w+)(\[(?P<item>\d+)\])?)?)?"
)

Whole = Callable[[tuple[Domain, ...]], Topology]
"""The description around some domains."""


def sound(fitted: Fitted, whole: Whole) -> Fitted:
    """The same without what the check refuses. Each round leaves out at least one thing, so it ends."""
    while True:
        found = [p for p in problems(whole(fitted.domains)) if p.severity is Severity.ERROR and _PATH.match(p.path)]
        if not found:
            return fitted
        fitted = _without(fitted, found)


def _without(fitted: Fitted, found: list[Problem]) -> Fitted:
    """Take everything that is refused away at once; from the end, so that numbers stay right."""
    domains: list[Domain | None] = list(fitted.domains)
    general, notes = list(fitted.general), dict(fitted.notes)
    for problem in sorted(_first_of_each(found), key=_numbers, reverse=True):
        match = _PATH.match(problem.path)
        assert match is not None
        number = int(match["domain"])
        domain = domains[number]
        assert domain is not None, "what is about a whole domain comes last"
        less, note = _less(domain, match, problem)
        domains[number] = less
        if less is None:
            general.append(note)
        else:
            notes[domain.name] = (*notes.get(domain.name, ()), note)
    left = tuple(domain for domain in domains if domain is not None)
    return evolve(fitted, domains=left, general=tuple(general), notes=notes)


def _first_of_each(found: list[Problem]) -> list[Problem]:
    """One problem of each mailbox, alias or domain: the next round finds the others, where they are still there.

    Where a whole domain is refused, nothing in it matters.
    """
    first: dict[tuple[int, ...], Problem] = {}
    for problem in found:
        first.setdefault(_numbers(problem)[:2], problem)
    whole = {numbers[0] for numbers in first if len(numbers) == 1}
    return [problem for numbers, problem in first.items() if len(numbers) == 1 or numbers[0] not in whole]


def _numbers(problem: Problem) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\[(\d+)\]", problem.path))


def _less(domain: Domain, match: re.Match[str], problem: Problem) -> tuple[Domain | None, str]:
    """A domain without what a problem is about, and what to say of it; None where it cannot stay at all."""
    name, number = match["list"], match["number"]
    if number is None:
        if name is None or getattr(domain, name) == _default(domain, name) or _default(domain, name) is attrs.NOTHING:
            return None, f"the domain {domain.name} is left out, with all that is in it: {problem.message}"
        return evolve(domain, **{name: _default(domain, name)}), f"{name} is left out: {problem.message}"
    items = getattr(domain, name)
    item = items[int(number)]
    kept = _kept(item, match)
    rest: Any = (*items[: int(number)], *(() if kept is None else (kept,)), *items[int(number) + 1 :])
    what = source(item) if kept is None else f"{match['field']} of {source(item)}"
    return evolve(domain, **{name: rest}), f"{what} is left out: {problem.message}"


def _kept(item: Any, match: re.Match[str]) -> Any:
    """What may stay of an item: all but a wrong target, or but a field that has a default; None where nothing may."""
    at = match["field"]
    if at is None or not attrs.has(type(item)):
        return None
    value, default = getattr(item, at), _default(item, at)
    if match["item"] is not None and isinstance(value, tuple):
        left = tuple(one for number, one in enumerate(value) if number != int(match["item"]))
        return evolve(item, **{at: left})  # where it must not be empty, the next round says so
    return None if default is attrs.NOTHING or value == default else evolve(item, **{at: default})


def _default(value: Any, name: str) -> Any:
    fields: Mapping[str, Any] = {field.name: field.default for field in attrs.fields(type(value))}
    return fields[name]
