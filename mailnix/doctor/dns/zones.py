"""Zones: whether their servers answer alike, and whether DNSSEC proves what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.dns.facts import DnsFacts, ZoneSeen
from mailnix.doctor.dns.settle import LATER, NO_DNS, WAIT
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.resolve import Answer as Told
from mailnix.resolve import Found, Unasked

SERVFAIL = "SERVFAIL"


def own(facts: DnsFacts) -> tuple[ZoneSeen, ...]:
    """The zones that the description's records are in; not those of reverse names, which others keep."""
    names = dict.fromkeys(facts.zone_of.get(each.name) for each in facts.plan.records if each.zone)
    return tuple(facts.zones[name] for name in names if name is not None and name in facts.zones)


def _lost(facts: DnsFacts) -> Iterator[Verdict]:
    """Zones of which nobody says where they are kept."""
    lost = {each.zone: each for each in facts.plan.records if each.zone and each.name not in facts.zone_of}
    for name, record in lost.items():
        answer = facts.at(record.name).best(record.type)
        why = answer.why if isinstance(answer, Unasked) else "its servers are not known"
        yield Verdict(name, Answer.UNASKED, why, NO_DNS)


def servers(facts: DnsFacts) -> Iterator[Verdict]:
    """Each server of a zone answers for it, and all have the same version."""
    yield from _lost(facts)
    missing = _undelegated(facts)
    for name, parent in missing.items():
        evidence = f"is not delegated: the servers of {parent.shown} name none for it, so nobody finds its records"
        advice = "name your DNS provider's servers (NS) where you registered the domain"
        yield Verdict(name, Answer.ABSENT, evidence, advice)
    for zone in own(facts):
        if zone not in missing.values():
            yield _servers(zone)


def _undelegated(facts: DnsFacts) -> dict[str, ZoneSeen]:
    """Zones of ours that only a top-level domain's servers answer for, or the root's, and that have nothing there."""
    found = {each.zone: facts.zone_of.get(each.zone) for each in facts.plan.records if each.zone}
    there = {each.zone for each in facts.plan.records if isinstance(facts.at(each.name).best(each.type), Found)}
    high = {name: zone for name, zone in found.items() if zone is not None and "." not in zone}
    return {name: facts.zones[zone] for name, zone in high.items() if name not in there}


def _servers(zone: ZoneSeen) -> Verdict:
    serials = {name: serial(answer) for name, answer in zone.servers.items()}
    mute = {name: why for name, answer in zone.servers.items() if (why := _mute(answer))}
    asked = {name: number for name, number in serials.items() if number}
    if not asked:
        out_of_reach = (answer.why for answer in zone.servers.values() if isinstance(answer, Unasked))
        why = next(iter((*mute.values(), *out_of_reach)), zone.why or "no server is known")
        return Verdict(zone.shown, Answer.UNASKED, why, NO_DNS)
    if len(set(asked.values())) > 1:
        said = ", ".join(f"{name} has {number}" for name, number in asked.items())
        return Verdict(zone.shown, Answer.PENDING, f"versions differ: {said}", WAIT)
    if mute:
        name, why = next(iter(mute.items()))
        advice = f"mend {name}, or take it out of the NS records where you registered the name"
        return Verdict(zone.shown, Answer.WRONG, why, advice, severity=Severity.WARNING)
    return Verdict(zone.shown, Answer.WELL, f"{', '.join(asked)}: version {next(iter(asked.values()))}")


def serial(answer: Told) -> str:
    """A zone's version (RFC 1035 3.3.13); empty where nobody said."""
    return answer.records[0].split()[2] if isinstance(answer, Found) else ""


def _mute(answer: Told) -> str:
    """Why a server says nothing, where it could."""
    if isinstance(answer, Found) or (isinstance(answer, Unasked) and answer.no_way):
        return ""
    return answer.why if isinstance(answer, Unasked) else "says that it has no such zone"


def dnssec(facts: DnsFacts) -> Iterator[Verdict]:
    """What resolvers that check find: true, not signed, or wrong, which is as if the zone were not there."""
    yield from _lost(facts)
    for zone in own(facts):
        yield _dnssec(zone, _bogus(zone) or _bogus_name(facts, zone))


def _dnssec(zone: ZoneSeen, bogus: str) -> Verdict:
    proven = ", ".join(name for name, answer in zone.checked.items() if _proven(answer))
    if bogus and zone.is_signed:
        return _does_not_hold(zone, bogus, proven)
    if proven:
        return Verdict(zone.shown, Answer.WELL, f"signed, and proven to {proven}")
    if isinstance(zone.ds, Unasked):
        return Verdict(zone.shown, Answer.UNASKED, zone.ds.why, LATER)
    if zone.is_signed:
        return Verdict(zone.shown, Answer.UNASKED, "signed, but no resolver that was asked checks it", NO_CHECK)
    return _unsigned(zone, bogus)


def _does_not_hold(zone: ZoneSeen, bogus: str, proven: str) -> Verdict:
    """One resolver that fails where another has proven it may just have failed, or be the first to see it."""
    if proven:
        evidence = f"signed, and proven to {proven}; but {bogus}"
        advice = f"ask again in an hour; if it stays, or others fail, too: {COMPARE}"
        return Verdict(zone.shown, Answer.PENDING, evidence, advice)
    advice = f"{COMPARE}, or have that DS removed: until then whoever checks gets no answer"
    return Verdict(zone.shown, Answer.WRONG, f"{bogus}, where the zone's servers have an answer", advice)


def _unsigned(zone: ZoneSeen, failing: str) -> Verdict:
    """Nothing can be wrong with signatures that nobody vouches for: a resolver that fails there fails by itself."""
    if isinstance(zone.dnskey, Found):
        advice = "give the zone's DS record to the registrar, or switch signing off"
        evidence = "signed, but nothing above says so: nobody can check it"
        return Verdict(zone.shown, Answer.WRONG, evidence, advice, severity=Severity.WARNING)
    if failing and all(isinstance(answer, Unasked) for answer in zone.checked.values()):
        return Verdict(zone.shown, Answer.UNASKED, f"{failing}, and the zone is not signed", LATER)
    return Verdict(zone.shown, Answer.WELL, "not signed, which is allowed: without it there is no DANE")


COMPARE: Final = "compare the DS where you registered the name with the zone's keys"
NO_CHECK = "name a resolver that validates: --resolver ADDRESS"


def _bogus(zone: ZoneSeen) -> str:
    """A resolver that fails where it checks, and answers where it is asked not to."""
    for name, answer in zone.checked.items():
        failed = isinstance(answer, Unasked) and answer.rcode == SERVFAIL
        if failed and isinstance(zone.unchecked.get(name), Found):
            return answer.why if isinstance(answer, Unasked) else name
    return ""


def _bogus_name(facts: DnsFacts, zone: ZoneSeen) -> str:
    """A name of a signed zone that its servers know, and that every resolver fails at."""
    names = (name for name, where in facts.zone_of.items() if where == zone.name) if zone.is_signed else ()
    for name in names:
        seen = facts.at(name)
        for kind in next(iter(seen.authoritative.values()), {}):
            said = [answers[kind] for answers in seen.recursive.values()]
            failed = bool(said) and all(isinstance(each, Unasked) and each.rcode == SERVFAIL for each in said)
            if failed and isinstance(seen.best(kind), Found):
                return f"{name} {kind}: resolvers answer {SERVFAIL}"
    return ""


def _proven(answer: Told) -> bool:
    return not isinstance(answer, Unasked) and answer.authenticated


def resolvers(facts: DnsFacts) -> Iterator[Verdict]:
    """Recursive resolvers answer: how the world sees the zones is known."""
    yield from _lost(facts)
    for zone in own(facts):
        heard = [name for name, answer in zone.checked.items() if _answers(zone, name, answer)]
        if heard:
            yield Verdict(zone.shown, Answer.WELL, f"{', '.join(heard)} answer")
            continue
        why = next((a.why for a in zone.checked.values() if isinstance(a, Unasked)), "no resolver was asked")
        yield Verdict(zone.shown, Answer.UNASKED, why, NO_CHECK)


def _answers(zone: ZoneSeen, name: str, answer: Told) -> bool:
    return not isinstance(answer, Unasked) or not isinstance(zone.unchecked.get(name, answer), Unasked)
