"""The plan's records as they are published: each is judged by what it means, under the id of its purpose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from ipaddress import ip_address

from attrs import evolve

from mailnix.doctor.dns.facts import Answers, DnsFacts, aliased
from mailnix.doctor.dns.settle import Fault, Right, settled
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.model.policies import MtaStsMode
from mailnix.plan import DnsRecord, Plan
from mailnix.plan.dns import autoconfig_names
from mailnix.plan.policies import mta_sts_name
from mailnix.published.meaning import mail_hosts, same_mail_hosts
from mailnix.resolve import Found

HOST_KINDS = ("A", "AAAA")


def data(answers: Answers, kind: str) -> tuple[str, ...]:
    """The records of a type, if there are some."""
    answer = answers.get(kind)
    return answer.records if isinstance(answer, Found) else ()


def hosts(facts: DnsFacts) -> tuple[str, ...]:
    """The names of our machines that clients and servers connect to."""
    return hosts_of(facts.plan)


def hosts_of(plan: Plan) -> tuple[str, ...]:
    """The names of a plan's machines that clients and servers connect to."""
    proxies = (proxy.hostname for proxy in plan.proxies)
    return tuple(dict.fromkeys((plan.topology.hostname, *plan.topology.former_hostnames, *proxies)))


def publish(records: Iterable[DnsRecord]) -> str:
    """What to do about records that are not there."""
    lines = " and ".join(f"{each.name}. {each.type} {each.data}" for each in records)
    return f"publish {lines}"


def told(facts: DnsFacts, name: str, kinds: Sequence[str], right: Right, subject: str = "") -> Iterator[Verdict]:
    """The verdict on a name, unless it is an alias where none may be: then that is why, and told under its own id."""
    verdict = settled(subject or f"{name} {kinds[0]}", facts.at(name), kinds, right)
    if verdict.answer in (Answer.WELL, Answer.UNASKED) or not _by_an_alias(facts, name, verdict):
        yield verdict


def _by_an_alias(facts: DnsFacts, name: str, verdict: Verdict) -> bool:
    if name not in (*facts.plan.domain_names, *hosts(facts)):
        return False
    seen = facts.at(name)
    kept = verdict.answer is Answer.PENDING and aliased((*seen.authoritative.values(), *seen.recursive.values()))
    return bool(seen.alias or kept)


def alias(facts: DnsFacts) -> Iterator[Verdict]:
    """A mail domain or a host is no alias: other records stand there (RFC 1034 3.6.2, RFC 2181 10.3)."""
    for name in dict.fromkeys((*facts.plan.domain_names, *hosts(facts))):
        verdict = settled(name, facts.at(name), _kinds(facts, name), partial(_no_alias, name))
        yield evolve(verdict, evidence="is no alias") if verdict.answer is Answer.WELL else verdict


def _kinds(facts: DnsFacts, name: str) -> tuple[str, ...]:
    """A type that is surely asked for there: any would tell."""
    return ("MX",) if name in facts.plan.domain_names else HOST_KINDS[:1]


def _no_alias(name: str, answers: Answers) -> Fault | None:
    advice = f"remove the CNAME of {name}: nothing else may stand beside one, and mail servers refuse it"
    target = aliased([answers])
    return Fault(Answer.WRONG, f"is an alias of {target}", advice) if target else None


def mx(facts: DnsFacts) -> Iterator[Verdict]:
    """Who takes mail for each domain."""
    for domain in facts.plan.domain_names:
        yield from told(facts, domain, ("MX",), partial(_mx_right, facts.described(domain, "MX")))


def _mx_right(expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    have, want = data(answers, "MX"), tuple(each.data for each in expected)
    if not have:
        return Fault(Answer.ABSENT, "has no MX record", publish(expected))
    if same_mail_hosts(have, want):
        return None
    extra = sorted(mail_hosts(have) - mail_hosts(want))
    advice = f"remove MX {' and '.join(extra)}: mail that goes there does not reach you" if extra else ""
    lacking = [each for each in expected if not mail_hosts([each.data]) <= mail_hosts(have)]
    order = publish(expected) if not extra and not lacking else ""
    advice = "; ".join(filter(None, (advice, publish(lacking) if lacking else "", order)))
    return Fault(Answer.WRONG, f"has MX {', '.join(have)}", advice)


def host(facts: DnsFacts) -> Iterator[Verdict]:
    """The addresses of our names, of both families: one that is not ours leads clients astray."""
    for name in hosts(facts):
        for kind in HOST_KINDS:
            yield from told(facts, name, (kind,), partial(_addresses_right, kind, facts.described(name, kind)))


def _addresses_right(kind: str, expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    have, want = _addresses(data(answers, kind)), _addresses(each.data for each in expected)
    if have == want:
        return None
    if not have:
        return Fault(Answer.ABSENT, f"has no {kind} record", publish(expected))
    extra = sorted(map(str, have - want))
    advice = f"remove {kind} {', '.join(extra)}: no proxy of yours is there" if extra else publish(expected)
    lacking = [each for each in expected if ip_address(each.data) not in have]
    if extra and lacking:
        advice = f"{publish(lacking)}; {advice}"
    return Fault(Answer.WRONG, f"leads to {', '.join(sorted(map(str, have)))}", advice)


def _addresses(texts: Iterable[str]) -> set[object]:
    return {ip_address(text) for text in texts}


def ptr(facts: DnsFacts) -> Iterator[Verdict]:
    """The reverse name of each address, which is the one its machine greets with."""
    for record in facts.plan.records:
        if record.type == "PTR":
            yield from told(facts, record.name, ("PTR",), partial(_ptr_right, record), _address_of(facts, record))


def _address_of(facts: DnsFacts, record: DnsRecord) -> str:
    ours = (address for proxy in facts.plan.proxies for address in (proxy.ipv4, proxy.ipv6) if address)
    return next(str(address) for address in ours if address.reverse_pointer == record.name)


def _ptr_right(record: DnsRecord, answers: Answers) -> Fault | None:
    have = [each.rstrip(".").lower() for each in data(answers, "PTR")]
    want = record.data.rstrip(".")
    advice = f"set the reverse name of this address to {want} where you rent it"
    if not have:
        return Fault(Answer.ABSENT, "has no reverse name: many receivers refuse its mail", advice)
    if have == [want]:
        return None
    severity = Severity.WARNING if want in have else None
    return Fault(Answer.WRONG, f"its reverse name is {', '.join(have)}", advice, severity)


def srv(facts: DnsFacts) -> Iterator[Verdict]:
    """Where mail programs find services, and which there are not."""
    for name in dict.fromkeys(each.name for each in facts.plan.records if each.type == "SRV"):
        yield from told(facts, name, ("SRV",), partial(_srv_right, facts.described(name, "SRV")))


def _srv_right(expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    have, want = {each.lower() for each in data(answers, "SRV")}, {each.data.lower() for each in expected}
    if not have:
        return Fault(Answer.ABSENT, "has no SRV record: mail programs guess", publish(expected))
    if have == want:
        return None
    return Fault(Answer.WRONG, f"says {', '.join(sorted(have))}", f"{publish(expected)} and no other SRV there")


def autoconfig(facts: DnsFacts) -> Iterator[Verdict]:
    """The names that mail programs ask for settings lead to us."""
    for domain in facts.plan.domain_names:
        for name in autoconfig_names(domain):
            yield from leads_here(facts, name)


def mta_sts_host(facts: DnsFacts) -> Iterator[Verdict]:
    """The name whose web server has the policy leads to us."""
    for domain in facts.plan.topology.domains:
        if domain.mta_sts is not MtaStsMode.OFF:
            yield from leads_here(facts, mta_sts_name(domain.name))


def leads_here(facts: DnsFacts, name: str) -> Iterator[Verdict]:
    """Whether a name that is described as an alias of ours is one, or has our addresses, as some providers do it."""
    right = partial(_leads_here, facts, facts.described(name, "CNAME"))
    yield settled(f"{name} CNAME", facts.at(name), ("CNAME", *HOST_KINDS), right)


def _leads_here(facts: DnsFacts, expected: Sequence[DnsRecord], answers: Answers) -> Fault | None:
    (target,) = (each.data.rstrip(".") for each in expected)
    alias = [each.rstrip(".").lower() for each in data(answers, "CNAME")]
    if alias:
        return None if alias == [target] else _elsewhere(alias, expected)
    have = _addresses(each for kind in HOST_KINDS for each in data(answers, kind))
    want = _addresses(each.data for kind in HOST_KINDS for each in facts.described(target, kind))
    if not have:
        return Fault(Answer.ABSENT, "is not there", publish(expected))
    return None if have <= want else _elsewhere(sorted(map(str, have)), expected)


def _elsewhere(found: Sequence[str], expected: Sequence[DnsRecord]) -> Fault:
    return Fault(Answer.WRONG, f"leads to {', '.join(found)}", f"{publish(expected)} and nothing else there")
