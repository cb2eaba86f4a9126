"""What is published about our servers, beside what they show: TLSA and keys, MTA-STS records and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve

from mailnix.doctor.certificates import matches
from mailnix.doctor.dns.facts import DnsFacts, ZoneSeen
from mailnix.doctor.dns.settle import LATER
from mailnix.doctor.here import Page, Reached
from mailnix.doctor.values import Answer, Severity, Vantage, Verdict
from mailnix.model import ports
from mailnix.model.policies import MtaStsMode
from mailnix.model.topology import Domain
from mailnix.plan.dns import mta_sts_policy, shown_hosts, tlsa_name
from mailnix.published.keys import is_servers_own
from mailnix.resolve import Found, Unasked, same

NOT_KEPT: Final = "remove them: a key that stays is the own one of a host that is no former name, with `dane`"
PATH: Final = "/.well-known/mta-sts.txt"


def tlsa(facts: DnsFacts) -> Iterator[Verdict]:
    """Where TLSA records are published, each server of ours shows a key that they mean, and DNSSEC proves them."""
    for host in shown_hosts(facts.plan.topology, facts.plan.proxies):
        yield _tlsa(facts, host)


def _tlsa(facts: DnsFacts, host: str) -> Verdict:
    subject = f"{tlsa_name(host)} TLSA"
    answer = facts.at(tlsa_name(host)).best("TLSA")
    described = [each.data for each in facts.described(tlsa_name(host), "TLSA") if not each.placeholder]
    zone = facts.zones.get(facts.zone_of.get(tlsa_name(host), ""))
    if isinstance(answer, Unasked):
        return Verdict(subject, Answer.UNASKED, answer.why, LATER)
    if not isinstance(answer, Found):
        return _unpublished(subject, described, zone)
    if zone is None or not zone.is_signed:
        advice = "have the zone signed, or remove them"
        return Verdict(subject, Answer.WRONG, "mean nothing: the zone is not signed", advice, severity=Severity.WARNING)
    found = _keys(facts, host, answer.records)
    if not facts.described(tlsa_name(host), "TLSA") and any(map(is_servers_own, answer.records)):
        return _kept_by_nobody(found)
    missing = [each for each in described if not any(same("TLSA", each, other) for other in answer.records)]
    if found.answer is not Answer.WELL or not missing:
        return found
    advice = f"publish {' and '.join(missing)} beside the others before that key is used"
    return Verdict(subject, Answer.ABSENT, "a key that is described is not there", advice, severity=Severity.WARNING)


def _unpublished(subject: str, described: Sequence[str], zone: ZoneSeen | None) -> Verdict:
    """Where there is none."""
    if not described:
        return Verdict(subject, Answer.WELL, "none is published, which is allowed")
    if zone is None or isinstance(zone.ds, Unasked):
        return Verdict(subject, Answer.UNASKED, "nobody said whether the zone is signed", LATER)
    if zone.is_signed:
        return Verdict(subject, Answer.ABSENT, "has no TLSA record", f"publish {' and '.join(described)}")
    advice = "have the zone signed before they are published, or leave dane out of the description"
    evidence = "is described, and the zone is not signed: nobody would believe it"
    return Verdict(subject, Answer.WRONG, evidence, advice, severity=Severity.WARNING)


def _kept_by_nobody(found: Verdict) -> Verdict:
    """Keys without `dane`, or of a former name: what the server shows has another one at the next renewal, at last."""
    if found.answer is Answer.WRONG:
        return evolve(found, advice=NOT_KEPT)
    evidence = f"are of a certificate whose key changes when it is renewed: {found.evidence}"
    return Verdict(found.subject, Answer.WRONG, evidence, NOT_KEPT, severity=Severity.WARNING)


def _keys(facts: DnsFacts, host: str, records: tuple[str, ...]) -> Verdict:
    subject = f"{tlsa_name(host)} TLSA"
    shown = {address: said.served for (name, address), said in facts.servers.items() if name == host}
    wrong = [a for a, served in shown.items() if served and not any(matches(each, served) for each in records)]
    if wrong and not any(map(is_servers_own, records)):
        return Verdict(subject, Answer.UNASKED, "they name an authority: only keys (3 …) are compared", "")
    if wrong:
        advice = "publish the key that the server has before it is used, and remove the old one a day later"
        evidence = f"{', '.join(wrong)} shows a key that they do not mean: who checks sends nothing"
        return Verdict(subject, Answer.WRONG, evidence, advice, Vantage.HERE)
    if not any(shown.values()):
        why = next((said.why for (name, _), said in facts.servers.items() if name == host), "nobody was asked")
        return Verdict(subject, Answer.UNASKED, f"port {ports.SMTP}: {why}", "look from a network that lets it out")
    return Verdict(subject, Answer.WELL, f"{', '.join(a for a, served in shown.items() if served)}: as published")


def mta_sts_policies(facts: DnsFacts) -> Iterator[Verdict]:
    """The policy that senders fetch is the described one."""
    for domain in facts.plan.topology.domains:
        if domain.mta_sts is not MtaStsMode.OFF:
            pages = {address: page for (name, address), page in facts.policies.items() if name == domain.name}
            yield _policy(facts, domain, pages)


def _policy(facts: DnsFacts, domain: Domain, pages: Mapping[str, Page]) -> Verdict:
    subject = f"https://mta-sts.{domain.name}{PATH}"
    severity = Severity.FAILURE if domain.mta_sts is MtaStsMode.ENFORCE else Severity.WARNING
    heard = {address: page for address, page in pages.items() if page.reached is Reached.YES}
    if not heard:
        why = next((f"{address}: {page.reached.value}" for address, page in pages.items()), "nobody was asked")
        return Verdict(subject, Answer.UNASKED, why, LATER)
    want = _lines(mta_sts_policy(facts.plan.topology, facts.plan.proxies, domain))
    for address, page in heard.items():
        if page.status != 200:
            said = f"answers {page.status}" if page.status else page.why
            return Verdict(subject, Answer.ABSENT, f"{address} {said}", DEPLOY, severity=severity)
        if not page.kind.lower().startswith("text/plain"):
            evidence = f"{address} calls it {page.kind or 'nothing'}, and not text/plain (RFC 8461 3.2)"
            return Verdict(subject, Answer.WRONG, evidence, DEPLOY, severity=severity)
        if _lines(page.text) != want:
            evidence = f"{address} has {'; '.join(_lines(page.text))[:160]}"
            return Verdict(subject, Answer.WRONG, evidence, DEPLOY, severity=severity)
    return Verdict(subject, Answer.WELL, "; ".join(want))


DEPLOY: Final = "bring the proxy to its description: mailnix deploy CONFIG"


def _lines(policy: str) -> list[str]:
    return [" ".join(line.split()) for line in policy.splitlines() if line.strip()]
