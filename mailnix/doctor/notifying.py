"""Whom to tell of changes, and how, so that it works while what is watched does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from attrs import frozen

from mailnix.doctor.dns.records import hosts_of
from mailnix.doctor.handing import Submission, Way
from mailnix.doctor.notice import notice
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Finding
from mailnix.errors import MailnixError
from mailnix.model.names import mail_problem, to_ascii
from mailnix.plan import Plan


class Untold(MailnixError):
    """A notice could not be handed over, or not be remembered; what was found, and what of it stays news, is there."""

    def __init__(self, error: MailnixError, found: Sequence[Finding], news: Sequence[Finding]) -> None:
        super().__init__(f"what has changed stays news, the next run tries again: {error.message}", error.hint)
        self.found = tuple(found)
        self.news = tuple(news)


@frozen
class Notices:
    """By which way notices go, to whom (empty: the description's contact), and from whom.

    An empty `sender` is who logs in, where that is an address, or else the receiver; sendmail(8) knows one itself.
    """

    way: Way
    to: str = ""
    sender: str = ""

    def ready(self, scene: Scene) -> None:
        """Say before anything is looked at what would keep notices from their reader; raises MailnixError."""
        if isinstance(self.way, Submission) and _place(self.way.host) in _ours(scene.plan):
            hint = "name another provider's: --notify-by smtps://USER@HOST"
            raise MailnixError(f"{self.way.host} is what is watched: when it is broken, no notice leaves", hint)
        if (to := self._receiver(scene.plan)).rpartition("@")[2] in scene.plan.domain_names:
            scene.say(
                f"notices go to {to}, who does not get them while mail to you does not arrive:"
                " --notify-to ADDRESS elsewhere"
            )

    def tell(self, scene: Scene, news: Sequence[Finding]) -> None:
        """Hand a notice over; raises MailnixError where nobody takes it."""
        to = self._receiver(scene.plan)
        sender = self.sender
        if isinstance(self.way, Submission) and not sender:
            sender = self.way.user if mail_problem(self.way.user) is None else to
        host, command = scene.plan.topology.hostname, scene.typed("mailnix doctor CONFIG")
        self.way.hand(notice(host, news, to, sender, command, scene.now), to, sender)

    def _receiver(self, plan: Plan) -> str:
        return self.to or plan.contact


@contextmanager
def untold(found: Sequence[Finding], news: Sequence[Finding]) -> Iterator[None]:
    """Whatever goes wrong with telling or remembering news is raised as `Untold`."""
    try:
        yield
    except MailnixError as error:
        raise Untold(error, found, news) from error


def _ours(plan: Plan) -> frozenset[str]:
    addresses = (str(address) for proxy in plan.proxies for address in (proxy.ipv4, proxy.ipv6) if address)
    return frozenset(map(_place, (*hosts_of(plan), *addresses)))


def _place(host: str) -> str:
    """A name or an address in the one spelling that is compared."""
    try:
        return str(ip_address(host))
    except ValueError:
        return to_ascii(host)
