"""How machines are brought from one place to the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import define, field

from mailnix.lab.machine import Machine
from mailnix.lab.places import build, change, ground
from mailnix.lab.places.build import ROUTER
from mailnix.lab.places.catalogue import PLACES
from mailnix.lab.places.ground import Ground
from mailnix.lab.places.place import HOME, PROXY, Place
from mailnix.plan import derive

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs admin"


@define
class Fake:
    """A machine that writes down what is done to it."""

    name: str
    done: list[str] = field(factory=list)

    def succeed(self, command: str, **_more: Any) -> str:
        self.done.append(command)
        return ""

    def kill(self) -> None:
        self.done.append("off")

    def start(self) -> None:
        self.done.append("on")

    def wait_for_guest(self) -> None:
        self.done.append("answers")

    def wait_for_boot(self) -> None:
        self.done.append("booted")

    @contextlib.contextmanager
    def qmp(self) -> Iterator[Fake]:
        yield self

    def execute(self, command: str, arguments: dict[str, Any]) -> None:
        self.done.append(f"{command} {arguments['name']} {arguments['up']}")


@pytest.fixture
def fakes() -> dict[str, Fake]:
    return {name: Fake(name) for name in (ROUTER, PROXY, HOME)}


@pytest.fixture
def there(fakes: dict[str, Fake]) -> Ground:
    first = PLACES[0]
    plan = derive(first.topology(KEY))
    machines = {name: cast(Machine, fake) for name, fake in fakes.items()}
    return Ground(machines, KEY, first, plan, ground.trees_of(plan))


def place(name: str) -> Place:
    return next(place for place in PLACES if place.id == name)


def test_the_first_place_is_where_they_booted(there: Ground, fakes: dict[str, Fake]) -> None:
    there.go(PLACES[0])
    assert [fake.done for fake in fakes.values()] == [[], [], []]


def test_the_first_place_again_is_gone_to_as_any_other(there: Ground, fakes: dict[str, Fake]) -> None:
    there.go(PLACES[1])
    there.go(PLACES[0])
    assert len(fakes[ROUTER].done) == 2


def test_only_who_reboots_is_switched_off_and_on(there: Ground, fakes: dict[str, Fake]) -> None:
    there.go(place("two-cards-none-named"))
    assert [word for word in fakes[PROXY].done if " " not in word] == ["sync", "off", "on", "answers", "booted"]
    assert "off" not in fakes[HOME].done


def test_a_second_card_is_there_only_where_its_cable_is(there: Ground, fakes: dict[str, Fake]) -> None:
    there.go(place("two-cards"))
    second = build.far_nics(PROXY)[1]
    assert f"set_link {second.id} True" in fakes[PROXY].done
    assert not any(second.mac in command for command in fakes[PROXY].done)
    there.go(place("static-32"))
    assert any(second.mac in command for command in fakes[PROXY].done)


def test_a_machine_of_which_nothing_changes_only_shakes_hands_anew(there: Ground, fakes: dict[str, Fake]) -> None:
    there.go(place("static-32"))
    assert fakes[HOME].done == [change.PEERS_ANEW]


def test_the_next_change_is_from_the_place_where_they_are(there: Ground, fakes: dict[str, Fake]) -> None:
    for name in ("static-32", "static-own-resolver", "static-own-resolver"):
        there.go(place(name))
    laid = [command for command in fakes[PROXY].done if "tar -x" in command]
    assert len(laid) == 2
    assert there.trees == ground.trees_of(there.plan)


def test_the_key_of_whoever_administers_is_made_once(tmp_path: Path) -> None:
    assert ground.admin_key(tmp_path) == ground.admin_key(tmp_path)
