"""Who may sign certificates for our names (RFC 8659): the authority in use must be among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from mailnix.doctor.dns.facts import Answers, DnsFacts
from mailnix.doctor.dns.records import HOST_KINDS, data, hosts, publish, told
from mailnix.doctor.dns.settle import LATER, Fault
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.plan import DnsRecord
from mailnix.plan.policies import CERTIFICATE_AUTHORITY
from mailnix.published.meaning import authorities, bars, further_authorities, read_by_mailcow
from mailnix.resolve import Absent, Found, Unasked, same
from mailnix.resolve import Answer as Told

KIND: Final = "CAA"


def caa(facts: DnsFacts) -> Iterator[Verdict]:
    """The described records, and for every other name in a certificate of ours those that an authority would find."""
    judged = [name for name in (*hosts(facts), *facts.plan.domain_names) if facts.described(name, KIND)]
    for name in judged:
        yield from told(facts, name, (KIND,), partial(_right, facts.described(name, KIND)))
    for parent, name in {read_by_mailcow(name): name for name in reversed(_mailcows(facts))}.items():
        if parent not in judged:
            yield from told(facts, parent, (KIND,), partial(_lets_mailcow, name))
    for name in names(facts):
        owner, answer = relevant(facts, name)
        if owner not in judged and _is_ours(facts, name):
            yield _verdict(name, owner, answer)


def _mailcows(facts: DnsFacts) -> tuple[str, ...]:
    """The names that Mailcow asks a certificate for."""
    return facts.plan.internal.certificate.names


def _lets_mailcow(name: str, answers: Answers) -> Fault | None:
    have = data(answers, KIND)
    if not bars(have, CERTIFICATE_AUTHORITY):
        return None
    evidence = f"{_allowed(have)}: Mailcow reads this, too, and asks for no certificate for {name}"
    return Fault(Answer.WRONG, evidence, f'publish there also CAA 0 issue "{CERTIFICATE_AUTHORITY}"')


def names(facts: DnsFacts) -> tuple[str, ...]:
    """Every name in a certificate of ours."""
    return tuple(dict.fromkeys(name for host in facts.plan.hosts for name in host.certificate.names))


def climbed(name: str) -> Iterator[str]:
    """The names at which an authority looks, one after the other, until there is a CAA record (RFC 8659 3)."""
    while name:
        yield name
        name = name.partition(".")[2]


def relevant(facts: DnsFacts, name: str) -> tuple[str, Told]:
    """The records that count for a name, and at which name they stand; Absent where nobody limits anybody."""
    for each in climbed(name):
        alias = facts.at(each).alias
        owner = alias if alias in facts.seen else each
        answer = facts.at(owner).best(KIND)
        if not isinstance(answer, Absent):
            return owner, answer
    return "", Absent(exists=False)


def _is_ours(facts: DnsFacts, name: str) -> bool:
    """Whether the name leads to us: where it does not, that is told under the id of its record."""
    seen, ours = facts.at(name), hosts(facts)
    addresses = {each.data for host in ours for kind in HOST_KINDS for each in facts.described(host, kind)}
    found = (seen.best(kind) for kind in HOST_KINDS)
    have = {each for answer in found if isinstance(answer, Found) for each in answer.records}
    return seen.alias in ours or bool(have & addresses)


def _verdict(name: str, owner: str, answer: Told) -> Verdict:
    match answer:
        case Found(records=records) if authorities(records) is not None:
            evidence = f"{owner} {_allowed(records)}"
            if bars(records, CERTIFICATE_AUTHORITY):
                advice = f'publish {name}. CAA 0 issue "{CERTIFICATE_AUTHORITY}", or add it at {owner}'
                return Verdict(f"{name} {KIND}", Answer.WRONG, evidence, advice)
            return Verdict(f"{name} {KIND}", Answer.WELL, evidence)
        case Unasked(why=why):
            return Verdict(f"{name} {KIND}", Answer.UNASKED, why, LATER)
    return Verdict(f"{name} {KIND}", Answer.WELL, "nothing limits who may sign")


def _allowed(records: Iterable[str]) -> str:
    return f"allows only {', '.join(sorted(authorities(records) or ())) or 'nobody'}"


def _right(expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    have, want = data(answers, KIND), tuple(each.data for each in expected)
    if not have:
        evidence = "has no CAA record: any authority may sign"
        return Fault(Answer.ABSENT, evidence, publish(expected), Severity.WARNING)
    further = further_authorities(want, have)
    if bars(have, CERTIFICATE_AUTHORITY):
        return Fault(Answer.WRONG, f"{_allowed(have)}: certificates are not renewed", publish(expected))
    lacking = [each for each in expected if not any(same(KIND, each.data, other) for other in have)]
    if not lacking and not further:
        return None
    others = f"remove {' and '.join(further)}, or describe it at a mail domain: Domain(caa=[…])" if further else ""
    advice = "; ".join(filter(None, (publish(lacking) if lacking else "", others)))
    more = ": others may sign, too" if further else ""
    return Fault(Answer.WRONG, f"says {'; '.join(have)}{more}", advice, Severity.WARNING)
