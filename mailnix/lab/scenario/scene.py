"""The machines as checks see them: the internet's clients and mail server, Mailcow's logs, and what the plan expects.

Nothing here knows QEMU: a Guest is anything that runs commands as root, so the NixOS test driver's machines do too.
"""

from __future__ import annotations

import json
import re
import shlex
import uuid
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from attrs import define, field

from mailnix.errors import LabError
from mailnix.lab.internet.layout import INTERNET, Layout
from mailnix.lab.internet.machine import LOGINS, POST, PROBE, SCANNER, SESSIONS
from mailnix.lab.internet.mail import CA
from mailnix.lab.scenario.evidence import CheckFailed, require
from mailnix.lab.scenario.offers import readers, senders, users
from mailnix.lab.waiting import Wait
from mailnix.model.clientport import ClientPort
from mailnix.plan.types import Address, Plan, ProxyPlan

T = TypeVar("T")
Answer: TypeAlias = dict[str, Any]

# Seconds in which nothing moves (see `Wait`), or for a guest at full pace (see `Pace`).
COMMAND: Final = 60.0  # for a command on a guest that does not wait for anything
DELIVERY: Final = 180.0  # for a mail to arrive, in emulation
SLACK: Final = 90.0  # beyond what a program waits by itself

POSTFIX: Final = "postfix-mailcow"
DOVECOT: Final = "dovecot-mailcow"


class Done(Protocol):
    """How a command ended."""

    @property
    def status(self) -> int:
        """Its exit status."""
        ...

    @property
    def stdout(self) -> str:
        """Its output."""
        ...

    @property
    def stderr(self) -> str:
        """Its error output."""
        ...


class Guest(Protocol):
    """A machine that runs commands as root, and can be switched off and on."""

    def execute(self, command: str, *, timeout: float = ...) -> Done:
        """Run a command to its end, good or bad."""
        ...

    def succeed(self, command: str, *, timeout: float = ...) -> str:
        """Run a command that must succeed; gives its output."""
        ...

    def read_file(self, path: str) -> bytes:
        """A file's content."""
        ...

    def kill(self) -> None:
        """Cut its power."""
        ...

    def start(self) -> None:
        """Switch it on."""
        ...

    def wait_for_guest(self, timeout: float = ...) -> None:
        """Wait until it takes commands."""
        ...

    def wait_for_unit(self, unit: str, timeout: float = ...) -> None:
        """Wait until a systemd unit is active."""
        ...


class OnDisk(Protocol):
    """Searches a machine's disk from outside of it."""

    def foreign_secrets(self, machine: str, owner: str) -> tuple[str, ...]:
        """Names of `owner`'s secrets that stand on the disk of `machine`."""
        ...

    def search(self, machine: str, wanted: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
        """Which of these named bytes stand on the disk of `machine`."""
        ...


@define(eq=False)
class Scene:
    """A running lab, as a stage for checks. What several checks look at is made once and remembered.

    `wait` begins a wait for so many seconds; programs on guests are given `pace` times as many as planned.
    """

    plan: Plan
    layout: Layout
    machines: Mapping[str, Any]
    disks: OnDisk
    wait: Callable[[float], Wait] = Wait
    pace: Callable[[], float] = lambda: 1.0
    _remembered: dict[str, Any] = field(factory=dict, init=False)
    _making: dict[str, Lock] = field(factory=dict, init=False)

    @property
    def internet(self) -> Guest:
        """Everything outside."""
        return self.guest(INTERNET)

    @property
    def internal(self) -> Guest:
        """The machine at home."""
        return self.guest(self.plan.internal.name)

    def guest(self, name: str) -> Guest:
        """A machine by name."""
        found: Guest = self.machines[name]
        return found

    @property
    def proxy(self) -> ProxyPlan:
        """The proxy that mail leaves by: the first."""
        return self.plan.proxies[0]

    @property
    def users(self) -> tuple[str, ...]:
        """One mailbox of each domain that has any in which the first password opens everything."""
        return users(self.plan)

    @property
    def user(self) -> str:
        """The mailbox that most checks use; raises CheckFailed where the plan has none."""
        require(self.users, "the topology has no mailbox, so no mail can be exchanged")
        return self.users[0]

    def remember(self, what: str, make: Callable[[], T]) -> T:
        """`make()` the first time, its result or its error later: checks of one mail share that mail."""
        with self._making.setdefault(what, Lock()):
            if what not in self._remembered:
                try:
                    self._remembered[what] = make()
                except LabError as error:
                    self._remembered[what] = error
        found = self._remembered[what]
        if isinstance(found, LabError):
            raise CheckFailed(found.message, found.hint)
        kept: T = found
        return kept

    # the internet

    def probe(self, verb: str, source: Address, *, timeout: float = 0.0, **options: object) -> Answer:
        """What a client of the internet saw; `timeout` is how long it may wait for what it looks for, in seconds."""
        who = {"source": source, "helo": self.layout.client.name, "ca": CA}
        return self._ask(PROBE, verb, timeout, {**who, "pace": round(self.pace(), 1), **options})

    def logins(self, verb: str, source: Address, at: Iterable[ClientPort], **options: object) -> Answer:
        """What a mail program of the internet saw that logged in at some services; see `probe`."""
        where = [f"{client.speaks}:{client.port}:{int(not client.starttls)}" for client in at]
        who = {"source": source, "ca": CA, "pace": round(self.pace(), 1), "host": self.plan.topology.hostname}
        timeout = float(options.pop("timeout", 0.0))  # type: ignore[arg-type]
        return self._ask(LOGINS, verb, timeout, {**who, "at": where, **options})

    def post(self, verb: str, *, timeout: float = 0.0, **options: object) -> Answer:
        """What the internet's mail server says."""
        return self._ask(POST, verb, timeout, options)

    def scan(self, transport: str, source: Address, *, timeout: float, **options: object) -> Answer:
        """Which ports somebody who scans a machine sees."""
        return self._told(words_of(SCANNER, transport, {"source": source, **options}), timeout)

    def sessions(self, source: Address, **options: object) -> list[list[list[str]]]:
        """What was said to SMTP sessions of the internet in bytes (`steps`): session by session, step by step."""
        words = words_of(
            "python3", SESSIONS, {"source": source, "patience": round(COMMAND * self.pace(), 1), **options}
        )
        heard: list[list[list[str]]] = self._told(words, DELIVERY * self.pace())["sessions"]
        return heard

    def _ask(self, program: str, verb: str, timeout: float, options: Mapping[str, object]) -> Answer:
        timeout = round(timeout * self.pace(), 1)
        return self._told(words_of(program, verb, {**options, **({"timeout": timeout} if timeout else {})}), timeout)

    def _told(self, words: tuple[str, ...], timeout: float) -> Answer:
        answer: Answer = json.loads(self.internet.succeed(shlex.join(words), timeout=timeout + 2 * SLACK))
        return answer

    def fetched(self, user: str, token: str, *, wait: float = DELIVERY, via: Address | None = None) -> Answer:
        """The messages of a mailbox with this token, read through a proxy (`via`), its certificate verified.

        By IMAP, or POP3 where that is what is offered; where neither is, they are looked at at home.
        """
        reader = next(iter(readers(self.plan)), None)
        if reader is None:
            return self.stored(user, token, wait=wait)
        source, who = self.layout.client.ipv4, {"connect": via, "login": user, "token": token}
        if reader.reads == "imap":
            answer = self.probe("imap", source, timeout=wait, **self.dial(reader.name), **who)
        else:
            answer = self.logins("fetch", source, (reader,), timeout=wait, **who)
        require("error" not in answer, f"{reader.name} as {user}", answer.get("error"))
        return answer

    # Mailcow

    def port(self, service: str) -> int:
        """The public port of a service that is handed to Mailcow."""
        return self._client_port(service).port

    def dial(self, service: str) -> dict[str, Any]:
        """Options of `probe` that lead to a service handed to Mailcow; `implicit` is 1 where TLS comes first."""
        client = self._client_port(service)
        return {"host": self.plan.topology.hostname, "port": client.port, "implicit": int(not client.starttls)}

    def _client_port(self, service: str) -> ClientPort:
        found = [client for client in self.plan.internal.client_ports if client.name == service]
        require(found, f"the plan offers no {service}")
        return found[0]

    @property
    def sender(self) -> str:
        """The service that most checks submit mail by; raises CheckFailed where the plan offers none."""
        found = senders(self.plan)
        require(found, "the plan offers no submission, so no mail program can send")
        return found[0].name

    def doveadm(self, *words: str) -> str:
        """What Dovecot's own tool says, in its container (doveadm(1))."""
        container = f"$(docker ps -qf label=com.docker.compose.service={DOVECOT})"
        return self.internal.succeed(f"docker exec {container} {shlex.join(('doveadm', *words))}", timeout=COMMAND)

    def stored(self, user: str, token: str, *, wait: float = DELIVERY) -> Answer:
        """The messages of a mailbox with this token, as Mailcow's own tool at home shows them; nobody logs in."""
        words = ("-f", "pager", "fetch", "-u", user, "text", "mailbox", "INBOX", "text", token)
        found: list[str] = []
        for _left in self.wait(wait).attempts(longest=3.0):
            found = [text.strip("\f\n") for text in re.split(r"(?m)^text:\n", self.doveadm(*words)) if token in text]
            if found:
                break
        return {"ok": bool(found), "count": len(found), "messages": found}

    def moment(self) -> str:
        """Now, by the internal host's clock; for `mailcow_log`."""
        return self.internal.succeed("date +%s.%N").strip()

    def mailcow_log(self, service: str, since: str) -> str:
        """What a container of Mailcow's compose project has logged."""
        label = f"label=com.docker.compose.service={service}"
        command = f"docker logs --since {since} $(docker ps -aqf {label}) 2>&1"
        return self.internal.succeed(command, timeout=COMMAND)

    def wait_for(self, subject: str, look: Callable[[], T | None], timeout: float = DELIVERY) -> T:
        """Look again and again until there is something; raises CheckFailed naming what was waited for."""
        wait = self.wait(timeout)
        for _left in wait.attempts(longest=2.0):
            found = look()
            if found:
                return found
        raise CheckFailed(f"waited {wait.waited():.0f} s in vain for {subject}")

    @staticmethod
    def token(what: str) -> str:
        """A word that no other mail has."""
        return f"{what}-{uuid.uuid4().hex[:10]}"


def words_of(program: str, verb: str, options: Mapping[str, object]) -> tuple[str, ...]:
    """An argv: `--name=value`, repeated for lists; empty values are left out."""
    words = [program, verb]
    for name, value in options.items():
        values = value if isinstance(value, list | tuple) else (value,)
        words += [f"--{name}={item}" for item in values if item not in ("", None)]
    return tuple(words)
