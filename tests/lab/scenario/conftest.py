from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from attrs import define, field, frozen

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import Scene
from mailnix.lab.waiting import Wait
from mailnix.plan import Plan, derive


@frozen
class Said:
    stdout: str = ""
    status: int = 0
    stderr: str = ""


@define
class FakeGuest:
    """Answers commands by the first pattern that fits; keeps what was asked."""

    answers: list[tuple[str, Callable[[], object]]] = field(factory=list)
    asked: list[str] = field(factory=list)

    def when(self, pattern: str, answer: object) -> FakeGuest:
        """Dicts are said as JSON, integers are exit statuses; a list is worked off, its last item stays."""
        queue = list(answer) if isinstance(answer, list) else [answer]
        self.answers.insert(0, (pattern, lambda: queue.pop(0) if len(queue) > 1 else queue[0]))
        return self

    def execute(self, command: str, *, timeout: float = 60.0) -> Said:
        self.asked.append(command)
        for pattern, answer in self.answers:
            if re.search(pattern, command):
                found = answer()
                if isinstance(found, int):
                    return Said(status=found)
                if isinstance(found, Said):
                    return found
                return Said(json.dumps(found) if isinstance(found, dict) else str(found))
        raise AssertionError(f"nobody expected: {command}")

    def succeed(self, command: str, *, timeout: float = 60.0) -> str:
        return self.execute(command).stdout

    def read_file(self, path: str) -> bytes:
        return self.succeed(f"cat {path}").encode()

    def kill(self) -> None:
        self.asked.append("kill")

    def start(self) -> None:
        self.asked.append("start")

    def wait_for_guest(self, timeout: float = 0.0) -> None:
        self.asked.append("wait_for_guest")

    def wait_for_unit(self, unit: str, timeout: float = 0.0) -> None:
        self.asked.append(f"wait_for_unit {unit}")


Guests = dict[str, FakeGuest]


@define
class FakeDisks:
    found: dict[str, tuple[str, ...]] = field(factory=dict)

    def foreign_secrets(self, machine: str, owner: str) -> tuple[str, ...]:
        return self.found.get(machine, ())

    def search(self, machine: str, wanted: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
        return self.found.get(machine, ())


@pytest.fixture
def plan() -> Plan:
    return derive(
        Topology(
            hostname="mail.example.org",
            proxies=[Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10")],
            internal=Internal("internal"),
            domains=[Domain("example.org", mailboxes=[Mailbox("alice")]), Domain("example.net")],
        )
    )


@pytest.fixture
def guests() -> dict[str, FakeGuest]:
    found = {name: FakeGuest() for name in (INTERNET, "proxy", "internal")}
    found["internal"].when(r"^date", "1795386483.1")
    return found


@pytest.fixture
def disks() -> FakeDisks:
    return FakeDisks()


@pytest.fixture
def scene(plan: Plan, guests: dict[str, Any], disks: FakeDisks, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(plan, layout(plan), guests, disks)
    monkeypatch.setattr(Scene, "token", staticmethod(lambda _what: "word-1"))
    return made


@pytest.fixture
def impatient(scene: Scene) -> Scene:
    """The scene, where a wait ends after one look."""
    scene.wait = lambda _seconds: Wait(0.0)
    return scene


@pytest.fixture
def two(guests: dict[str, Any], disks: FakeDisks, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Two proxies, the second without IPv6."""
    plan = derive(
        Topology(
            hostname="mail.example.org",
            proxies=[
                Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:113::10", hostname="mx1.example.org"),
                Proxy("second", ipv4="192.0.2.20", hostname="mx2.example.org"),
            ],
            internal=Internal("internal"),
            domains=[Domain("example.org", mailboxes=[Mailbox("alice")])],
        )
    )
    guests[INTERNET].when(r"^nft ", "")
    monkeypatch.setattr(Scene, "token", staticmethod(lambda _what: "word-1"))
    return Scene(plan, layout(plan), {**guests, "second": FakeGuest()}, disks)
