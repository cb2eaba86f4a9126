"""Mail on a system that runs: handed over at home, taken by whoever has the address that is named.

The mail is given to Postfix on the machine itself, over SSH, so that no password is needed; rspamd signs it as it signs
what mailboxes submit. The far mailbox is not ours to read: what its server said is. Where the address answers by itself
(an echo), what comes back is found in the sender's mailbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final

from attrs import define, field, frozen

from mailnix.deploy.reading import read_json
from mailnix.doctor.e2e.gather import Arrived, Post, group
from mailnix.doctor.e2e.judge import Trip, Trips
from mailnix.doctor.machines import program
from mailnix.doctor.machines.asked import PROJECT
from mailnix.doctor.machines.reach import Door, NotReached, door
from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.errors import MailnixError
from mailnix.model import State
from mailnix.model.mail import address_of
from mailnix.plan import Plan
from mailnix.services.haraka.values import OUT

POSTFIX: Final = {"project": PROJECT, "service": "postfix-mailcow", "config": "/opt/postfix/conf"}
DOVECOT: Final = {"project": PROJECT, "service": "dovecot-mailcow", "folder": "INBOX"}
TEXT: Final = "mailnix doctor sent this to see how mail from here arrives. Nobody needs to answer it.\n"


@frozen
class Way:
    """`sender` is a mailbox of ours, `to` an address elsewhere; `answers`: what is sent there comes back by itself."""

    sender: str
    to: str
    answers: bool = False


@define
class HomePost:
    """By programs of home and of the proxies, through their doors. A Post; `hostname` is home's, as it calls itself."""

    way: Way
    hostname: str
    home: Door
    proxies: Mapping[str, Door]
    begun: float = field(default=0.0, init=False)

    @property
    def out(self) -> Trip | None:
        """To the address that is named."""
        return Trip(self.way.sender, self.way.to)

    @property
    def back(self) -> Trip | None:
        """From there, where it answers."""
        return Trip(self.way.to, self.way.sender, server=self.hostname) if self.way.answers else None

    def send(self, _trip: Trip, token: str, /) -> None:
        """Out goes a mail; what comes back is the answer to another one."""
        told = {**POSTFIX, "sender": self.way.sender, "to": self.way.to, "message": message(self.way, token)}
        self.begun = float(_asked(self.home, "send", told))

    def find(self, trip: Trip, token: str, /) -> Arrived | None:
        """What the receiver's server said to a proxy, or what lies in the mailbox."""
        if trip.sender != self.way.sender:
            found = _asked(self.home, "fetch", {**DOVECOT, "mailbox": self.way.sender, "token": token})
            return Arrived(raw=found.encode()) if found else None
        domain = self.way.to.rpartition("@")[2]
        told = {"unit": f"{OUT}.service", "since": self.begun, "domain": domain, "to": self.way.to}
        for each in self.proxies.values():
            said = _asked(each, "fate", told)
            if said["taken"]:
                return Arrived(taken=str(said["taken"]))
        return None


def message(way: Way, token: str) -> str:
    """A small mail whose subject and Message-ID carry the token."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = way.sender, way.to, token
    mail["Date"], mail["Message-ID"] = formatdate(), f"<{token}@{way.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes
    mail.set_content(TEXT)
    return mail.as_string()


def _asked(where: Door, question: str, told: Mapping[str, Any]) -> Any:
    """One question's answer; raises NotReached."""
    said = read_json(where.ask(program.words(), program.sent({question: told}, program.POST)))
    answer = said.get("answers", {}).get(question) if isinstance(said, Mapping) else None
    if not isinstance(answer, Mapping) or "ok" not in answer:
        why = answer.get("failed") if isinstance(answer, Mapping) else "it gave no answer"
        raise NotReached(f"{where.name}: {why}", "mailnix doctor CONFIG --only internal says more")
    return answer["ok"]


def first_mailbox(plan: Plan) -> str:
    """Whose name a mail has where nobody said; raises MailnixError where nobody has a mailbox."""
    for domain in plan.topology.domains:
        for mailbox in domain.mailboxes:
            if mailbox.state is State.ACTIVE:
                return address_of(mailbox.local_part, domain.name)
    raise MailnixError("no mailbox is described that a mail could be from", "name one: --mail-from ADDRESS")


def live(to: str, sender: str = "", *, answers: bool = False) -> Group[Trips]:
    """The group for an address elsewhere that somebody has named; it runs only then, for it sends a mail."""

    def post(scene: Scene) -> Post:
        def reached(host: str) -> Door:
            return door(scene.plan, host, scene.targets, scene.ssh_config)

        way = Way(sender or first_mailbox(scene.plan), to, answers)
        proxies = {proxy.name: reached(proxy.name) for proxy in scene.plan.proxies}
        return HomePost(way, scene.plan.topology.hostname, reached(scene.plan.internal.name), proxies)

    return group(post)
