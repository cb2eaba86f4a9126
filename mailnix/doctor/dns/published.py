"""The plan's texts as they are published: SPF, DKIM, DMARC, MTA-STS, TLS-RPT, paths."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from attrs import evolve

from mailnix.doctor.dns.facts import Answers, DnsFacts, SpfSeen
from mailnix.doctor.dns.records import data, publish, told
from mailnix.doctor.dns.settle import LATER, SHOWN, Fault, settled
from mailnix.doctor.dns.texts import PURPOSES, Purpose
from mailnix.doctor.spf import Result
from mailnix.doctor.values import Answer, Severity, Vantage, Verdict
from mailnix.errors import one_line
from mailnix.model.policies import MtaStsMode
from mailnix.model.spf import MOST_LOOKUPS
from mailnix.plan import DnsRecord
from mailnix.plan.policies import mta_sts_record_name
from mailnix.published import meaning
from mailnix.resolve import text_of

NO_KEY: Final = "say where the secrets folder is (--secrets DIR), or make the key: mailnix secrets init CONFIG"


def texts(purpose: str, facts: DnsFacts) -> Iterator[Verdict]:
    """The texts of a purpose: the id's second half."""
    meant = PURPOSES[purpose]
    for record in facts.plan.records:
        if record.type == "TXT" and not record.placeholder and purpose_of(facts, record) == purpose:
            yield from told(facts, record.name, ("TXT",), partial(_text_right, meant, record))


def purpose_of(facts: DnsFacts, record: DnsRecord) -> str:
    """What a text of the plan is for."""
    text = text_of(record.data)
    if text.startswith(meaning.SPF.begins):
        return "spf" if record.name in facts.plan.domain_names else "spf_helo"
    if text.startswith(meaning.DMARC.begins):
        return "dmarc_reports" if "._report." in record.name else "dmarc"
    return next((name for name, each in PURPOSES.items() if text.startswith(each.kind.begins)), "")


def _text_right(purpose: Purpose, record: DnsRecord, answers: Answers) -> Fault | None:
    kind = purpose.kind
    have, want = kind.mine(tuple(text_of(each) for each in data(answers, "TXT"))), text_of(record.data)
    if not have:
        return Fault(Answer.ABSENT, f"has no {kind.begins} record", publish([record]), purpose.wrong)
    if len(have) > 1:
        others = [one_line(each, SHOWN) for each in have if not kind.holds(each, want)]
        advice = f"remove {' and '.join(others)}" if others else "remove one of them"
        return Fault(Answer.WRONG, f"has {len(have)} such records: {purpose.doubled}", advice, purpose.wrong)
    if kind.holds(have[0], want):
        return None
    return Fault(Answer.WRONG, f"says {have[0]!r}", publish([record]), purpose.wrong)


def spf(facts: DnsFacts) -> Iterator[Verdict]:
    """A domain's SPF record; another one that lets our addresses send, and no stranger, deserves a second look only."""
    working = {each.domain for each in facts.spf if _works(each)}
    for verdict in texts("spf", facts):
        name = verdict.subject.partition(" ")[0]
        lenient = verdict.answer is Answer.WRONG and name in working
        yield evolve(verdict, severity=Severity.WARNING) if lenient else verdict


def _works(seen: SpfSeen) -> bool:
    """Whether what is published lets our addresses send, and nobody else, and no receiver gives up on the way."""
    ours = {each.result for each in seen.published.values()}
    others = {each.result for each in seen.published_stranger.values()}
    return ours == {Result.PASS} and others <= {Result.FAIL, Result.SOFTFAIL}


def dkim(facts: DnsFacts) -> Iterator[Verdict]:
    """A domain's DKIM key."""
    yield from texts("dkim", facts)
    for record in facts.plan.records:
        if record.placeholder and record.type == "TXT":
            yield Verdict(f"{record.name} TXT", Answer.UNASKED, "no key is known here to compare with", NO_KEY)


def mta_sts(facts: DnsFacts) -> Iterator[Verdict]:
    """The record that says which policy is in force, and none where there is no policy."""
    yield from texts("mta_sts", facts)
    for domain in facts.plan.topology.domains:
        if domain.mta_sts is MtaStsMode.OFF:
            name = mta_sts_record_name(domain.name)
            yield settled(f"{name} TXT", facts.at(name), ("TXT",), _no_policy)


def _no_policy(answers: Answers) -> Fault | None:
    have = [*filter(meaning.MTA_STS.begin, map(text_of, data(answers, "TXT")))]  # a wildcard's texts are none
    advice = "remove it, or set mta_sts: senders look for a policy that nobody serves"
    return Fault(Answer.WRONG, f"says {have[0]!r}", advice, Severity.WARNING) if have else None


def spf_result(facts: DnsFacts) -> Iterator[Verdict]:
    """What receivers make of a domain's SPF: our addresses pass, nobody's do not, within the limits of RFC 7208 4.6.4.

    Our own records are taken as described, for where they are not, that is told under their ids.
    """
    for seen in facts.spf:
        yield _spf_verdict(seen)


def _spf_verdict(seen: SpfSeen) -> Verdict:
    outcomes = {**seen.described, **seen.stranger}
    for outcome in outcomes.values():
        if outcome.result is Result.TEMPERROR:
            return Verdict(seen.domain, Answer.UNASKED, outcome.why, LATER, Vantage.RESOLVER)
        if outcome.result is Result.PERMERROR:
            advice = "take out of `spf` (of the domain, or of a relay) what others no longer publish, or name addresses"
            return Verdict(seen.domain, Answer.WRONG, f"receivers give up: {outcome.why}", advice)
    for address, outcome in seen.described.items():
        if outcome.result is not Result.PASS:
            evidence = f"{address}: {outcome.result}, by {outcome.why}"
            return Verdict(seen.domain, Answer.WRONG, evidence, "name it in `spf`")
    for outcome in seen.stranger.values():
        if outcome.result is Result.PASS:
            advice = "take it out: with it, anybody may send as this domain"
            return Verdict(seen.domain, Answer.WRONG, f"any address passes, by {outcome.why}", advice)
    most = max(outcomes.values(), key=lambda each: each.lookups, default=None)
    cost = f"; {most.lookups} look-ups of {MOST_LOOKUPS}" if most else ""
    return Verdict(seen.domain, Answer.WELL, f"{', '.join(seen.described)}: pass{cost}")
