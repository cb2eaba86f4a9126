"""Ask the machines of a kind, all at once, one session each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from attrs import field, frozen

from mailnix.deploy.reading import read_json
from mailnix.doctor.machines import program, reading
from mailnix.doctor.machines.asked import RECEIVERS, asked
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.machines.reach import Door, door
from mailnix.doctor.machines.seen import Asking, Machines, Pins, Seen
from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.errors import MailnixError
from mailnix.plan import HostPlan, Plan

AT_ONCE: Final = 8
"""Machines that are asked at the same time."""


def _clock() -> datetime:
    return datetime.now(UTC)


@frozen
class Ways:
    """How machines are reached, and what is true of them beside the plan; a lab has other ones.

    `doors` are those that are reached otherwise than by SSH, by their names; `receivers` far mail servers to try.
    """

    doors: Mapping[str, Door] = field(factory=dict)
    receivers: tuple[str, ...] = RECEIVERS
    pins: Pins = field(factory=Pins)
    clock: Callable[[], datetime] = _clock


BY_SSH: Final = Ways()


def group(
    kind: str, hosts: Callable[[Plan], Iterable[HostPlan]], checks: Iterable[Asking], ways: Ways
) -> Group[Machines]:
    """The group of checks of machines of a kind."""
    every = tuple(checks)

    def gather(scene: Scene, wanted: Collection[str]) -> Machines:
        needed = {
            question for each in every if f"{kind}.{each.id}" in wanted for question in (each.question, *each.also)
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return tuple(pool.map(lambda host: ask(scene, host, needed, ways), hosts(scene.plan)))

    return Group(kind, tuple(each.of(kind) for each in every), gather)


def ask(scene: Scene, host: HostPlan, questions: Collection[str], ways: Ways) -> Seen:
    """One machine, in one session."""
    way = ways.doors.get(host.name) or door(scene.plan, host.name, scene.targets, scene.ssh_config)
    told = asked(scene.plan, host, questions, ways.receivers)
    scene.say(f"asking {host.name}")
    begun = ways.clock()

    def seen(facts: Facts | None, why: str = "", hint: str = "") -> Seen:
        return Seen(scene.plan, host, facts, begun, ways.clock(), way.name, why, hint, ways.pins)

    try:
        said = read_json(way.ask(program.words(), program.sent(told)))
    except MailnixError as error:
        return seen(None, error.message, error.hint)
    if not _is_ours(said):
        return seen(None, f"{way.name} gave no answer", "log in there by hand: what does its shell print?")
    return seen(reading.read(said))


def _is_ours(said: Any) -> bool:
    return isinstance(said, Mapping) and isinstance(said.get("answers"), Mapping)
