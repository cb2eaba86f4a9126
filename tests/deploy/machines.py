"""Machines that are played: what the program on a machine promises, without a machine."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve, field

from mailnix.deploy.asking import Asking
from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.commands import Commands
from mailnix.deploy.deploying import Deploying
from mailnix.deploy.machine import Busy, Refused, Unreached
from mailnix.deploy.probe import Probe
from mailnix.deploy.values import Changes, End, Ended, Facts, Made, Pending, Received, Report, Status, Upgrades
from mailnix.plan import Plan, derive
from mailnix.secrets import Secret
from mailnix.services.generations.names import CREDENTIALS, MADE
from mailnix.ssh import Way
from tests.descriptions import sound

PROGRAM = "0.1+12345678"
WELL: Answer = (True, "220 mail.example.org")
PLAIN = Probe("debian", "13", "Debian GNU/Linux 13 (trixie)", "localhost", "amd64", True, False, "", False)


@define
class Clock:
    """Time goes on when somebody waits, and a little with every call of a machine."""

    time: float = 1000.0
    on_sleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.on_sleep()

    def at(self, seconds: float) -> str:
        return f"{self.time + seconds:.0f} o'clock"


@define
class Played:
    """One machine. `lost` has verbs in which the connection breaks, `fails` is why nothing can be installed, `unhad`
    why nothing can be fetched ahead, `taken` who else has its new address. A change `locks_out` everybody, or leaves
    `root_shut` out.
    """

    host: str
    clock: Clock
    found: Probe = PLAIN
    kept: dict[int, Made] = field(factory=dict)
    current: int | None = None
    previous: int | None = None
    ran: list[int] = field(factory=list)
    drift: tuple[str, ...] = ()
    credentials: dict[str, bytes] = field(factory=dict)
    answers: Callable[[Question], Answer] = lambda _question: WELL
    lost: set[str] = field(factory=set)
    fails: str = ""
    unhad: str = ""
    taken: str = ""
    units: tuple[tuple[str, str], ...] = (("mailcow-provision-again.service", "restart"),)
    offers: Upgrades = field(factory=Upgrades)
    reboot: str = ""
    locks_out: bool = False
    root_shut: bool = False
    on_call: Callable[[str], None] = lambda _verb: None
    calls: list[str] = field(factory=list)
    pending: Pending | None = None
    due: float = 0.0
    last: Ended | None = None
    before: dict[str, bytes] = field(factory=dict)
    staged: dict[int, dict[str, bytes]] = field(factory=dict)
    ways: list[Way] = field(factory=list)
    sent: list[str] = field(factory=list)
    jump: str | None = None

    @property
    def way(self) -> Way:
        return Way(f"root@{self.host}", self.jump)

    def also(self, ways: Sequence[Way]) -> None:
        self.ways += ways

    def _called(self, verb: str) -> None:
        """It goes back by itself where its time is over, whether it is reached or not."""
        self.clock.sleep(1)
        self.calls.append(verb)
        if self.pending is not None and self.clock.now() > self.due:
            self._undo("nobody confirmed it in time")
        if self.locks_out and self.pending is not None:
            raise Unreached(f"{self.way} is not reached: connection timed out")
        self.on_call(verb)

    def _undo(self, why: str) -> None:
        assert self.pending is not None
        self.last, self.pending = Ended(self.pending.id, "back", why), None
        self.credentials = self.before

    def _breaks(self, verb: str) -> None:
        if verb in self.lost:
            self.lost.discard(verb)
            raise Unreached(f"{self.way} is not reached: connection reset")

    def probe(self) -> Probe:
        self._called("probe")
        self._breaks("probe")
        return self.found

    def install(self, program: Path) -> None:
        self._called(f"install {program.name}")
        self.found = evolve(self.found, program=PROGRAM)

    def adopt(self, adoption: Mapping[str, Any]) -> None:
        self._called("adopt")
        self._breaks("adopt")
        self.current, self.ran = 1, [1]
        self.kept[1] = Made(1, self.host, "", links=adoption["links"])

    def status(self) -> Status:
        self._called("status")
        self._breaks("status")
        pending = self.pending and evolve(self.pending, left=round(self.due - self.clock.now()))
        made = tuple(self.kept[number] for number in sorted(self.kept))
        return Status(
            self.found.program,
            self.found.host,
            self.current,
            pending,
            self.last,
            made,
            self.drift,
            self.previous,
            tuple(self.ran),
        )

    def login(self) -> Status:
        status = self.status()
        if self.root_shut and self.pending is not None:
            raise Unreached(f"root@{self.host} is not reached: permission denied")
        return status

    def compare(self, credentials: Secret) -> tuple[str, ...]:
        self._called("compare")
        return self._lacking(files(credentials))

    def _lacking(self, said: Mapping[str, bytes]) -> tuple[str, ...]:
        named = {name.removeprefix(f"{CREDENTIALS}/"): data for name, data in said.items() if CREDENTIALS in name}
        return tuple(sorted(name for name, data in named.items() if self.credentials.get(name) != data))

    def receive(self, number: int, archive: Secret) -> Received:
        self._called(f"receive {number}")
        self._breaks("receive")
        said = files(archive)
        self.sent = [*said]
        self.kept[number] = Made.read(json.loads(said[MADE]))
        self.staged[number] = {n.partition("/")[2]: d for n, d in said.items() if n.startswith(CREDENTIALS)}
        self._breaks("the answer")
        return Received(Changes(), self._lacking(said))

    def forget(self, number: int) -> None:
        self._called(f"forget {number}")
        self._breaks("forget")
        self.staged[number] = {}
        if number not in self.ran and number != self.current:
            del self.kept[number]

    def plan(self, number: int) -> Changes:
        self._called(f"plan {number}")
        return Changes(changed=("/etc/mailnix/provision.json",), units=self.units)

    def ahead(self, number: int) -> None:
        self._called(f"ahead {number}")
        if self.unhad:
            raise Refused(f"{self.host}: generation {number} cannot be had yet: {self.unhad}")

    def switch(self, number: int, within: int, token: str, *, databases: bool = False) -> None:
        self._called(f"switch {number}{' with databases' if databases else ''}")
        if self.pending is not None:
            raise Busy("another one waits")
        if self.fails:
            self.last = Ended(token, "back", self.fails)
            raise Refused(f"{self.host}: taken back: {self.fails}")
        self.pending, self.due = Pending(token, number, within, "installed"), self.clock.now() + within
        self.before, self.credentials = self.credentials, {**self.credentials, **self.staged.get(number, {})}
        self._breaks("switch")

    def extend(self, number: int, within: int, token: str) -> None:
        self._called(f"extend {number}")
        self._breaks("extend")
        self.due = self.clock.now() + within

    def confirm(self, number: int, token: str) -> None:
        self._called(f"confirm {number}")
        if self.pending is not None:
            self.previous, self.current, self.pending = self.current, number, None
            self.ran.append(number)
            self.last = Ended(token, "confirmed")
        if self.current != number:
            raise Refused(f"{self.host}: taken back: {self.last.why if self.last else 'nothing waits'}")
        self._breaks("confirm")

    def upgrades(self) -> Upgrades:
        self._called("upgrades")
        self._breaks("upgrades")
        return self.offers

    def upgrade(self) -> Upgrades:
        self._called("upgrade")
        done, self.offers = self.offers, Upgrades(reboot=self.reboot)
        self._breaks("upgrade")
        return evolve(done, reboot=self.reboot)

    def back(self, token: str | None) -> int | None:
        self._called("back")
        self._breaks("back")
        if self.pending is not None:
            self._undo("somebody took it back")
        return self.current

    def look(self, questions: Sequence[Question]) -> Sequence[Answer]:
        self._called("look")
        return [self.answers(question) for question in questions]

    def free(self, address: str) -> Answer:
        self._called(f"free {address}")
        return (not self.taken, self.taken or "nobody has it")


def files(archive: Secret) -> dict[str, bytes]:
    """What a tar has, by name."""
    with tarfile.open(fileobj=io.BytesIO(archive.reveal())) as tar:
        return {each.name: (found.read() if (found := tar.extractfile(each)) else b"") for each in tar}


@define
class Packages:
    """Takes the place of dpkg-deb: a machine's digest is the text that is given for it."""

    digests: dict[str, str] = field(factory=dict)
    program_version: str = PROGRAM
    links: Facts = field(factory=dict)
    made_of: dict[str, dict[str, str]] = field(factory=dict)
    images: str = ""

    def digest(self, host: str) -> str:
        return self.digests.get(host, "as ever")

    def debs(self, host: str, number: int, folder: Path) -> Mapping[str, Path]:
        path = folder / f"mailnix-{host}_{number}_all.deb"
        path.write_text(self.digest(host))
        shared = folder / "mailnix-haraka_3.3.4_amd64.deb"
        shared.write_text("Haraka")
        return {each.name: each for each in (path, shared)}

    def parts(self, host: str) -> Mapping[str, str]:
        return {"mailnix": "0.1.0", **self.made_of.get(host, {})}

    def mailcow(self, host: str) -> str:
        return f"rev-of-{tag}{self.images}" if (tag := self.parts(host).get("Mailcow")) else ""

    def adoption(self, host: str) -> Mapping[str, Any]:
        return {"host": host, "links": self.links}

    def program(self, folder: Path) -> Path:
        path = folder / f"mailnix-generations_{PROGRAM}_all.deb"
        path.write_text("the program")
        return path


@define
class Stage:
    """A plan and its machines, played; what was said, in `heard`."""

    folder: Path
    plan: Plan = field(factory=lambda: derive(sound()))
    clock: Clock = field(factory=Clock)
    packages: Packages = field(factory=Packages)
    heard: list[str] = field(factory=list)
    questions: list[str] = field(factory=list)
    may_take_over: bool = True
    commands: Commands = field(factory=lambda: Commands("mail.py"))
    here: Callable[[Question], Answer] = lambda _question: WELL
    secrets: dict[str, dict[str, bytes]] = field(factory=dict)
    machines: dict[str, Played] = Factory(
        lambda self: {host.name: Played(host.name, self.clock) for host in self.plan.hosts}, takes_self=True
    )

    def __getitem__(self, host: str) -> Played:
        return self.machines[host]

    def deploying(self, *hosts: str, **changed: Any) -> Deploying:
        asking = Asking(
            plan=self.plan,
            machines=self.machines,
            named=hosts or tuple(self.machines),
            by_name=hosts,
            maker=self.packages,
            folder=self.folder,
            take_over=self._take_over,
            say=self.heard.append,
            clock=self.clock,
            commands=self.commands,
            **changed,
        )
        return Deploying(asking, self._credentials, lambda asked: [self.here(each) for each in asked], within=180)

    def _credentials(self, host: str) -> dict[str, Secret]:
        return {name: Secret(data) for name, data in self.secrets.get(host, {}).items()}

    def _take_over(self, what: str) -> bool:
        self.questions.append(what)
        return self.may_take_over

    def calls(self, verb: str) -> list[str]:
        """Which machines were asked for something, in the order of the description."""
        return [host for host, machine in self.machines.items() if any(verb in call for call in machine.calls)]


def ends(report: Report) -> dict[str, End]:
    """Machine → what became of it."""
    return {each.host: each.end for each in report.machines}


def generations(stage: Stage) -> dict[str, int | None]:
    """Machine → the generation that runs."""
    return {host: machine.current for host, machine in stage.machines.items()}
