"""Single changes of what a well machine says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from mailnix.doctor.machines import facts
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.values import Answer, Severity
from tests.doctor.machines import well

WRONG, ABSENT, UNASKED = Answer.WRONG, Answer.ABSENT, Answer.UNASKED
FAILURE, WARNING = Severity.FAILURE, Severity.WARNING
DAY, GIB, NOW = well.DAY, well.GIB, well.NOW.timestamp()
HOST = "mail.example.org"


@frozen
class Fault:
    """`of` changes what a well machine says; `unasked` are checks that cannot be made any more."""

    name: str
    id: str
    of: Callable[[Facts], Facts]
    answer: Answer = WRONG
    severity: Severity = FAILURE
    evidence: str = ""
    unasked: tuple[str, ...] = ()


def said(**changed: Any) -> Callable[[Facts], Facts]:
    return lambda of: evolve(of, **changed)


def part(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """One answer is otherwise in a part of it."""
    return lambda of: evolve(of, **{name: evolve(getattr(of, name), **changed)})


def unit(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """One unit is otherwise; without changes it is not there at all."""

    def change(of: Facts) -> Facts:
        assert of.units is not None
        others = tuple(each for each in of.units.units if each.name != name)
        assert len(others) < len(of.units.units), name
        failed = (name,) if changed.get("active") == "failed" else ()
        return evolve(of, units=facts.Units((*others, *((facts.Unit(name, **changed),) if changed else ())), failed))

    return change


def credential(number: int, **changed: Any) -> Callable[[Facts], Facts]:
    def change(of: Facts) -> Facts:
        assert of.credentials is not None
        each = [*of.credentials.credentials]
        each[number] = evolve(each[number], **changed)
        return evolve(of, credentials=evolve(of.credentials, credentials=tuple(each)))

    return change


def rules(old: str, new: str) -> Callable[[Facts], Facts]:
    """A rule that is loaded is another one."""

    def change(of: Facts) -> Facts:
        assert of.firewall is not None
        assert old in of.firewall.loaded
        return evolve(of, firewall=evolve(of.firewall, loaded=of.firewall.loaded.replace(old, new, 1)))

    return change


def file(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """The certificate in a file is otherwise, and is the one that is shown, too, as it would be."""

    def change(of: Facts) -> Facts:
        files = tuple(evolve(each, **changed) if each.name == name else each for each in of.files or ())
        shown = changed.get("der")
        served = tuple(
            evolve(each, der=shown, doubt="so-so") if each.name == name and shown else each for each in of.served or ()
        )
        return evolve(of, files=files, served=served)

    return change


def port(number: int, **changed: Any) -> Callable[[Facts], Facts]:
    """The first certificate that is shown at a port is otherwise."""

    def change(of: Facts) -> Facts:
        served = [*(of.served or ())]
        at = next(index for index, each in enumerate(served) if each.port == number)
        served[at] = evolve(served[at], **changed)
        return evolve(of, served=tuple(served))

    return change


def container(service: str, **changed: Any) -> Callable[[Facts], Facts]:
    """A container is otherwise; without changes it is not there at all."""

    def change(of: Facts) -> Facts:
        assert of.containers is not None
        every = (evolve(each, **changed) if each.service == service else each for each in of.containers.containers)
        left = tuple(each for each in every if changed or each.service != service)
        return evolve(of, containers=evolve(of.containers, containers=left))

    return change


def then(*changes: Callable[[Facts], Facts]) -> Callable[[Facts], Facts]:
    def change(of: Facts) -> Facts:
        for each in changes:
            of = each(of)
        return of

    return change


def nothing_connects(said: str, connected: bool = False) -> tuple[facts.Try, ...]:
    return tuple(facts.Try(name, True, connected, said) for name in ("a.example", "b.example"))


def listed(of: Facts) -> str:
    assert of.firewall is not None
    return of.firewall.loaded


def swapped(text: str) -> str:
    """Two rules of the same chain, in the other order."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if "echo-request" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)
