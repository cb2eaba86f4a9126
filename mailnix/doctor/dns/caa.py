"""Who may sign certificates for our names (RFC 8659): the authority in use must be among them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from mailnix.doctor.dns.facts import Answers, DnsFacts
from mailnix.doctor.dns.records import HOST_KINDS, data, hosts, publish, told
from mailnix.doctor.dns.settle import LATER, Fault
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.plan import DnsRecord
from mailnix.plan.policies import CERTIFICATE_AUTHORITY
from mailnix.published.meaning import further_authorities
from mailnix.resolve import Absent, Found, Unasked, same
from mailnix.resolve import Answer as Told

KIND: Final = "CAA"


def caa(facts: DnsFacts) -> Iterator[Verdict]:
    """The described records, and for every other name in a certificate of ours those that an authority would find."""
    judged = [name for name in (*hosts(facts), *facts.plan.domain_names) if facts.described(name, KIND)]
    for name in judged:
        yield from told(facts, name, (KIND,), partial(_right, facts.described(name, KIND)))
    for name in names(facts):
        owner, answer = relevant(facts, name)
        if owner not in judged and _is_ours(facts, name):
            yield _verdict(name, owner, answer)


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
        case Found(records=records) if (who := _authorities(records)) is not None:
            if CERTIFICATE_AUTHORITY not in who:
                advice = f'publish {name}. CAA 0 issue "{CERTIFICATE_AUTHORITY}", or add it at {owner}'
                evidence = f"{owner} allows only {', '.join(sorted(who)) or 'nobody'}"
                return Verdict(f"{name} {KIND}", Answer.WRONG, evidence, advice)
            return Verdict(f"{name} {KIND}", Answer.WELL, f"{owner} allows {', '.join(sorted(who))}")
        case Unasked(why=why):
            return Verdict(f"{name} {KIND}", Answer.UNASKED, why, LATER)
    return Verdict(f"{name} {KIND}", Answer.WELL, "nothing limits who may sign")


def _authorities(records: Iterable[str]) -> set[str] | None:
    """Who may sign for a name itself; None where no record says (RFC 8659 4.2)."""
    parts = [shlex.split(each) for each in records]
    issue = [value for _flags, tag, value in parts if tag.lower() == "issue"]
    return {value.partition(";")[0].strip().lower() for value in issue} - {""} if issue else None


def _right(expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    have, want = data(answers, KIND), tuple(each.data for each in expected)
    if not have:
        evidence = "has no CAA record: any authority may sign"
        return Fault(Answer.ABSENT, evidence, publish(expected), Severity.WARNING)
    who, further = _authorities(have), further_authorities(want, have)
    if who is not None and CERTIFICATE_AUTHORITY not in who:
        evidence = f"allows only {', '.join(sorted(who)) or 'nobody'}: certificates are not renewed"
        return Fault(Answer.WRONG, evidence, publish(expected))
    lacking = [each for each in expected if not any(same(KIND, each.data, other) for other in have)]
    if not lacking and not further:
        return None
    others = f"remove {' and '.join(further)}, or describe it at a mail domain: Domain(caa=[…])" if further else ""
    advice = "; ".join(filter(None, (publish(lacking) if lacking else "", others)))
    more = ": others may sign, too" if further else ""
    return Fault(Answer.WRONG, f"says {'; '.join(have)}{more}", advice, Severity.WARNING)
