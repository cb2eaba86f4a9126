"""What web servers answer: Mailcow's start page through the tunnel, and settings for mail programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve

from mailnix.doctor.here import Asked, Page, Reached
from mailnix.doctor.outside.facts import OutsideFacts
from mailnix.doctor.outside.judges import ELSEWHERE
from mailnix.doctor.outside.places import AUTODISCOVER
from mailnix.doctor.values import Answer, Verdict
from mailnix.plan.dns import autoconfig_names
from mailnix.services.caddy.autoconfig import autoconfig

Judge = Callable[[Page], Verdict | None]
"""What is wrong with a page, or None; the subject is filled in."""
LOGS = "see the logs of Mailcow's nginx and PHP"
LOGIN_FIRST = 401  # Outlook's settings depend on the mailbox


def web(facts: OutsideFacts) -> Iterator[Verdict]:
    """The start page comes from Mailcow, through the tunnel."""
    for asked, page in facts.pages.items():
        if asked.path == "/":
            yield _told(asked, page, _web)


def _web(page: Page) -> Verdict | None:
    if page.status >= 500:
        advice = "the proxy does not reach Mailcow: mailnix doctor CONFIG --only proxy --only internal"
        return Verdict("", Answer.WRONG, f"answers {page.status}", advice)
    if page.status >= 400:  # as files do that nginx may not read; nobody has to log in for this one
        return Verdict("", Answer.WRONG, f"answers {page.status}", LOGS)
    return None


def settings(facts: OutsideFacts) -> Iterator[Verdict]:
    """Mail programs are told the described servers and ports, and Outlook is asked to log in."""
    described = autoconfig(facts.plan.topology.hostname, facts.plan.internal.client_ports).split()

    def thunderbird(page: Page) -> Verdict | None:
        if page.status != 200:
            return Verdict("", Answer.ABSENT, f"answers {page.status}", "mailnix deploy CONFIG")
        if page.text.split() != described:
            evidence = "names other servers or ports than described"
            return Verdict("", Answer.WRONG, evidence, "mailnix deploy CONFIG")
        return None

    names = {name for domain in facts.plan.domain_names for name in autoconfig_names(domain)}
    for asked, page in facts.pages.items():
        if asked.host in names:
            yield _told(asked, page, _outlook if asked.path == AUTODISCOVER else thunderbird)


def _outlook(page: Page) -> Verdict | None:
    if page.status in (200, LOGIN_FIRST):
        return None
    return Verdict("", Answer.WRONG, f"answers {page.status}", LOGS)


def _told(asked: Asked, page: Page, judge: Judge) -> Verdict:
    subject = f"https://{asked.host}{asked.path.partition('?')[0]} at {asked.address}"
    if page.reached is not Reached.YES:
        return Verdict(subject, Answer.UNASKED, page.reached.value, ELSEWHERE)
    if not page.status:
        return Verdict(subject, Answer.UNASKED, page.why, "mend what stands under outside.certificate")
    fault = judge(page)
    return evolve(fault, subject=subject) if fault else Verdict(subject, Answer.WELL, f"answers {page.status}")
