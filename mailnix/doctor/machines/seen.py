"""A machine as a judge sees it, and how a judge of one answer becomes a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from attrs import field, fields, frozen

from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.values import Answer, Check, Severity, Vantage, Verdict
from mailnix.plan import HostPlan, Plan, ProxyPlan
from mailnix.services.credentials import names
from mailnix.services.dane.values import RENEW
from mailnix.services.firewall.render import FAMILY, TABLE
from mailnix.services.generations.names import STATE
from mailnix.services.haraka.values import HarakaOut
from mailnix.services.mailcow import units
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.mailcow.pinned_images import IMAGES, Image

T = TypeVar("T")
PROXY: Final = "proxy"
HOME: Final = "internal"


BY_HAND: Final[Mapping[str, str]] = {
    "units": "systemctl list-units --failed",
    "clock": "timedatectl timesync-status",
    "disks": "df -h; df -i",
    "memory": "free -m",
    "updates": "apt-get --simulate upgrade",
    "reboot": "uname -r; ls /boot",
    "credentials": f"ls -l {names.STORE}",
    "tunnels": "wg show",
    "mtu": "wg show, then: ping -M do -s 1392 PEER",
    "firewall": f"nft list table {FAMILY} {TABLE}",
    "port25": "nc -v gmail-smtp-in.l.google.com 25",
    "xclient": "wg show: mail goes by the tunnel",
    "queue": f"ls {fields(HarakaOut).queue_dir.default}",
    "served": "ss -ltn",
    "files": f"journalctl -u caddy -u {RENEW} -u mailcow",
    "mailq": "docker ps",
    "containers": "docker ps --all",
    "backup": f"systemctl status {units.BACKUP}",
    "provision": f"systemctl status {units.PROVISION}",
    "admin": f"systemctl status mailcow {units.PROVISION}",
    "generation": f"ls -l {STATE}",
    "drift": "dpkg --verify",
}
"""What a person types to see what the program could not."""


@frozen
class Pins:
    """Which Mailcow should run, of which images."""

    pin: Pin = PIN
    images: tuple[Image, ...] = IMAGES


@frozen
class Seen:
    """One machine: what is planned for it, and what it said (None: it was not reached: `why`, and a `hint`).

    It was asked between `begun` and `ended`, by the clock of who asked.
    """

    plan: Plan
    host: HostPlan
    facts: Facts | None
    begun: datetime
    ended: datetime
    door: str = ""
    why: str = ""
    hint: str = ""
    pins: Pins = field(factory=Pins)

    @property
    def name(self) -> str:
        """Its name in the description."""
        return self.host.name

    def on(self, command: str) -> str:
        """What a person does there."""
        return f"on {self.name}: {command}"

    def well(self, evidence: str) -> Verdict:
        """Nothing to do."""
        return Verdict(self.name, Answer.WELL, evidence)

    def about(self, what: str) -> str:
        """A part of it as a subject."""
        return f"{self.name} {what}"

    def unit_runs(self, unit: str) -> bool | None:
        """Whether one of its units is active; None where that is not known."""
        units = self.facts.units.units if self.facts and self.facts.units else ()
        return next((each.active == "active" for each in units if each.name == unit), None)


Machines: TypeAlias = tuple[Seen, ...]
Judge: TypeAlias = Callable[[Seen, T], Iterable[Verdict]]


@frozen
class Asking:
    """A check of each machine of a kind, and the question whose answer it judges; `id` lacks the kind.

    `also` are questions whose answers keep it from blaming what others do not do.
    """

    id: str
    title: str
    severity: Severity
    question: str
    judge: Judge[Any]
    also: tuple[str, ...] = ()

    def of(self, kind: str) -> Check[Machines]:
        """The check of machines of a kind."""
        vantage = Vantage.PROXY if kind == PROXY else Vantage.HOME

        def judge(machines: Machines) -> Iterator[Verdict]:
            for seen in machines:
                yield from self._of(seen)

        return Check(f"{kind}.{self.id}", self.title, self.severity, vantage, judge)

    def _of(self, seen: Seen) -> Iterator[Verdict]:
        if seen.facts is None:
            yield Verdict(seen.name, Answer.UNASKED, seen.why, seen.hint)
            return
        answer = getattr(seen.facts, self.question)
        if answer is None:
            why = seen.facts.unasked.get(self.question, "it was not asked")
            yield Verdict(seen.name, Answer.UNASKED, why, seen.on(BY_HAND[self.question]))
            return
        yield from self.judge(seen, answer)


def is_proxy(seen: Seen) -> bool:
    """Whether it is one of the public machines."""
    return isinstance(seen.host, ProxyPlan)


def days(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172800 else f"{seconds / 86400:.0f} days"
