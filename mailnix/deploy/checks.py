"""What a change is confirmed by: which questions are asked where, and which answers it depends on.

What answered before must answer after. What did not, a tunnel to a machine that is switched off, is told and not
demanded: else nothing could be mended. Only a new connection is demanded always, and of a machine's first generation
what it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum

from attrs import frozen

from mailnix.deploy.values import Seen
from mailnix.model import ports
from mailnix.plan import Plan, ProxyPlan

Question = tuple[str, str, int]
"""As guest/look.py takes it."""
Answer = tuple[bool, str]

HERE = ""
"""Where a question is asked that no machine of ours is asked."""


class About(StrEnum):
    """What a check is about, as people read it."""

    LOGIN = "a new SSH connection"
    TUNNEL = "the tunnel's handshake"
    MAILCOW = "Mailcow through the tunnel"
    RELAY = "outgoing mail through the tunnel"
    HARAKA = "port 25 from outside"
    HARAKA_ITSELF = "port 25 from itself"
    NAMES = "names are looked up"
    RELEASE = "another Mailcow, all of it"
    AGAIN = "Mailcow, all of it"
    MAILCOW_6 = "Mailcow through the tunnel, by IPv6"
    HARAKA_6 = "port 25 from outside, by IPv6"
    HARAKA_ITSELF_6 = "port 25 from itself, by IPv6"
    SSH_6 = "SSH from outside, by IPv6"


@frozen
class Check:
    """One question: about which tunnel, proxy or machine (or none), asked where, of which machines' change it tells."""

    about: About
    proxy: str
    asked: str
    question: Question
    hosts: tuple[str, ...]

    @property
    def what(self) -> str:
        """For people."""
        return f"{self.about} ({self.proxy})" if self.proxy else self.about.value


def checks(plan: Plan, changed: Collection[str], reached: Collection[str]) -> tuple[Check, ...]:
    """What tells whether the `changed` machines do their work; asked of machines that are `reached`, and here."""
    found = [check for proxy in plan.proxies for check in (*_of(proxy), *_of_ipv6(plan, proxy))]
    found += [_names(plan, host.name) for host in plan.hosts]
    return tuple(each for each in found if {*each.hosts} & {*changed} and each.asked in {HERE, *reached})


def _names(plan: Plan, host: str) -> Check:
    """A resolver that does not answer keeps nobody out, and all mail."""
    return Check(About.NAMES, host, host, ("name", plan.topology.hostname, 0), (host,))


def mailcow(home: str, another: str, again: str) -> Iterator[Check]:
    """Whether Mailcow runs where it starts in a change, by its revision: the one before may greet for a moment yet.

    `another` one is demanded to. The same one, `again`, is where it did before: one that is ill must be mendable.
    """
    if rev := another or again:
        yield Check(About.RELEASE if another else About.AGAIN, "", home, ("mailcow", rev, 0), (home,))


def _of(proxy: ProxyPlan) -> Iterator[Check]:
    link = proxy.tunnel
    home, both = link.internal.host, (link.internal.host, proxy.name)
    yield Check(About.TUNNEL, proxy.name, home, ("handshake", link.internal.interface, 1), both)
    yield Check(About.MAILCOW, proxy.name, proxy.name, _greeting(link.internal.ipv4), both)
    yield Check(About.RELAY, proxy.name, home, ("greeting", str(link.proxy.ipv4), ports.RELAY), both)
    yield Check(About.HARAKA, proxy.name, HERE, _greeting(proxy.ipv4), (proxy.name,))
    yield Check(About.HARAKA_ITSELF, proxy.name, proxy.name, _greeting(proxy.ipv4), (proxy.name,))


def _of_ipv6(plan: Plan, proxy: ProxyPlan) -> Iterator[Check]:
    """The same where the world knows the proxy by an IPv6 address, too: a change may break that alone.

    Through the tunnel's own IPv6 come mail programs, and no incoming mail. Where SSH is for some networks alone,
    whether whoever deploys is in one of IPv6 is not known, and need not be.
    """
    if proxy.ipv6 is None:
        return
    inner, alone = proxy.tunnel.internal, (proxy.name,)
    if client := next((each for each in plan.internal.client_ports if each.starttls == "smtp"), None):
        question = ("greeting", str(inner.ipv6), client.port)
        yield Check(About.MAILCOW_6, proxy.name, proxy.name, question, (inner.host, proxy.name))
    yield Check(About.HARAKA_6, proxy.name, HERE, _greeting(proxy.ipv6), alone)
    yield Check(About.HARAKA_ITSELF_6, proxy.name, proxy.name, _greeting(proxy.ipv6), alone)
    if not (proxy.sealed or proxy.admin_networks):
        yield Check(About.SSH_6, proxy.name, HERE, ("ssh", str(proxy.ipv6), ports.SSH), alone)


def needs_ipv6(check: Check) -> bool:
    """Whether it is asked from here by IPv6, which not every place has."""
    return check.asked == HERE and check.about in (About.HARAKA_6, About.SSH_6)


def route(check: Check) -> Question:
    """What tells whether that can be asked at all."""
    return ("route", check.question[1], 0)


def _greeting(address: object) -> Question:
    return ("greeting", str(address), ports.SMTP)


def demanded(check: Check, before: Collection[Check], first: Collection[str], running: Collection[str]) -> bool:
    """Whether a change depends on it.

    `before` has the checks that were well before it; `first` the machines that get their first generation, `running`
    all that have one once this is done. Mailcow has its time at first: it loads some gigabytes.
    """
    if check.about is About.NAMES and check.proxy in first:
        return False  # whom it asked before was nobody's choice of ours
    if check in before or check.about is About.RELEASE:
        return True
    new = bool({*check.hosts} & {*first}) and {*check.hosts} <= {*running}
    return new and check.about in (About.TUNNEL, About.RELAY, About.HARAKA_ITSELF)


def judged(check: Check, answer: Answer, *, demanded: bool) -> Seen:
    """A check's answer, for people."""
    ok, said = answer
    return Seen(check.what, check.asked, ok, said, demanded)


def wrong(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    """What keeps a change from being confirmed."""
    return tuple(each for each in seen if each.demanded and not each.ok)


def reason(seen: Sequence[Seen]) -> str:
    """What was wrong, in one line."""
    return "; ".join(f"{each.what}: {each.said}" for each in seen)
