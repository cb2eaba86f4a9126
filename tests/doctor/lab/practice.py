"""The doctor at a lab: its groups as they are, by doors to the machines and from a place on the lab's internet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field

from mailnix.doctor import dns, outside
from mailnix.doctor import scene as scenes
from mailnix.doctor.doctoring import findings
from mailnix.doctor.e2e.gather import group as e2e
from mailnix.doctor.machines.gather import Ways
from mailnix.doctor.machines.internal import at_home
from mailnix.doctor.machines.proxy import proxies
from mailnix.doctor.machines.reach import Door, GuestDoor
from mailnix.doctor.machines.seen import Pins
from mailnix.doctor.registry import Group, chosen
from mailnix.doctor.values import Answer, Finding
from mailnix.image.hosts import pin_of
from mailnix.lab.fake_mailcow import build_fake
from mailnix.lab.fake_mailcow.archive import IMAGE
from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.internet.mail import CA
from mailnix.lab.scenario import Guest, Scene
from mailnix.lab.visitor import Network, visit
from mailnix.plan import Plan
from mailnix.services.mailcow.pinned_images import Image
from tests.doctor.lab.internet import Names
from tests.doctor.lab.post import post


def pins() -> Pins:
    """The fake Mailcow has a tree of its own, and one image for all."""
    return Pins(pin_of(build_fake().tree), (Image(IMAGE),))


GREYLISTING: Final = 300.0
ILL: Final = (Answer.WRONG, Answer.ABSENT, Answer.PENDING)


@define(eq=False)
class Practice:
    """A running lab with a doctor. `patience` is how many seconds a mail may take.

    `ahead` is by how much the lab's time is ahead of here: one that was put away goes on from that moment.
    """

    scene: Scene
    inside: Network
    names: Names
    authorities: Path
    ahead: timedelta
    patience: float = GREYLISTING
    groups: tuple[Group[Any], ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        doors: dict[str, Door] = {
            host.name: GuestDoor(self.scene.machines[host.name]) for host in self.scene.plan.hosts
        }
        ways = Ways(doors=doors, pins=pins(), clock=self.now)
        mail = e2e(lambda _scene: post(self.scene, doors), patience=self.patience)
        self.groups = (dns.GROUP, proxies(ways), at_home(ways), outside.GROUP, mail)

    def now(self) -> datetime:
        """By the clock of the lab's internet."""
        return datetime.now(UTC) + self.ahead

    @property
    def proxy(self) -> Guest:
        """The first proxy."""
        return self.scene.guest(self.scene.proxy.name)

    @property
    def home(self) -> Guest:
        """The machine at home."""
        return self.scene.internal

    @property
    def internet(self) -> Guest:
        """Everything else."""
        return self.scene.internet

    def looked(self, only: Collection[str] = (), plan: Plan | None = None) -> list[Finding]:
        """What it finds: by all checks, or by those that are named, or whose group is."""
        where = scenes.Scene(
            plan or self.scene.plan, resolvers=(self.names.resolver,), authorities=self.authorities, now=self.now()
        )
        ids = chosen(only, self.groups)
        self.names.settle()
        return self.inside.do(lambda: list(findings(where, self.groups, ids)))


def ill(found: Collection[Finding]) -> Mapping[str, list[Finding]]:
    """Findings that are not well, by id."""
    return _by_id(each for each in found if each.answer in ILL)


def unasked(found: Collection[Finding]) -> Mapping[str, list[Finding]]:
    """Questions that could not be asked, by id."""
    return _by_id(each for each in found if each.answer is Answer.UNASKED)


def _by_id(found: Iterator[Finding]) -> Mapping[str, list[Finding]]:
    by_id: dict[str, list[Finding]] = {}
    for each in found:
        by_id.setdefault(each.id, []).append(each)
    return by_id


@contextmanager
def open_practice(scene: Scene, folder: Path) -> Iterator[Practice]:
    """On a lab that runs; afterwards the lab is as before."""
    authorities = folder / "lab.pem"
    authorities.write_bytes(scene.internet.read_file(CA))
    with visit(scene.layout, scene.machines[INTERNET]) as inside:
        names = Names(scene, inside)
        try:
            names.begin()
            yield Practice(scene, inside, names, authorities, _ahead(scene))
        finally:
            names.end()


def _ahead(scene: Scene) -> timedelta:
    there = float(scene.internet.succeed("date +%s.%N"))
    return datetime.fromtimestamp(there, UTC) - datetime.now(UTC)


def with_patience(practice: Practice, seconds: float) -> Practice:
    """The same doctor, who waits for mail no longer."""
    return evolve(practice, patience=seconds)
