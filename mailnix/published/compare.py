"""One server's answers beside the records that are described. Pure: whoever asks, asks elsewhere.

Others' records stay as they are where they do no harm: a web site's TXT, say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import frozen

from mailnix.plan.types import DnsRecord, Need
from mailnix.published import issuers, keys, meaning, texts
from mailnix.published.values import Finding, State
from mailnix.resolve import Absent, Answer, Found, Question, Unasked, same
from mailnix.zones import parts

Answers: TypeAlias = Mapping[Question, Answer]
PROBE: Final = "mailnix-asks-for-wildcards"
ADDRESSES: Final = ("A", "AAAA")
_NEEDS: Final = tuple(Need)
_NOTHING: Final[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())
_HARM: Final = {
    "MX": "senders bring mail there, too",
    "SRV": "mail programs go there, too",
    "PTR": "receivers may see that name instead",
    "TLSA": "senders trust that key, too",
}
_LED_ASTRAY: Final = "who asks for it goes there"
_NOTHING_BESIDE: Final = "beside a CNAME there is nothing else, so no record of ours (RFC 1034 3.6.2)"
_NO_IPV6: Final = "who has IPv6 goes there, and no proxy has an IPv6 address"
_PUBLISH_OVER: Final = "publish what is described: a wildcard answers for names that have nothing"


@frozen
class Ours:
    """What of ours records are compared with, in whichever zone it is: the proxies' addresses, the names in Mailcow's
    certificate, the CAA records by which an authority may issue, and names at which no key or policy is described.
    """

    addresses: frozenset[str]
    mailcow: frozenset[str]
    issuing: tuple[DnsRecord, ...]
    keyless: tuple[str, ...]
    policyless: tuple[str, ...]

    @classmethod
    def of(cls, records: Sequence[DnsRecord], mailcow: Iterable[str]) -> Ours:
        """That of these records, which are all that are described."""
        return cls(
            frozenset(record.data for record in records if record.type in ADDRESSES),
            frozenset(mailcow),
            issuers.issuing(records),
            keys.undescribed(records),
            texts.undescribed(records),
        )


def questions(records: Sequence[DnsRecord], ours: Ours) -> Iterator[Question]:
    """Everything to ask about these records; doubles too."""
    for (name, kind), members in parts.sets(records).items():
        zone = members[0].zone
        for asked in (kind, *(ADDRESSES if kind in ("A", "CNAME") else ())):
            yield name, asked
            if zone:
                yield _probe(zone), asked
    yield from issuers.questions(records, ours.mailcow)
    yield from ((name, "TXT") for name in ours.policyless)
    yield from ((name, keys.KIND) for name in ours.keyless)


def compare(records: Sequence[DnsRecord], answers: Answers, ours: Ours) -> tuple[Finding, ...]:
    """What differs by these answers; where there was none, nothing is said.

    The records are those that belong into this server's zone. What others' there do to ours is told wherever ours are.
    """
    by_name: dict[str, list[DnsRecord]] = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record)
    found = [finding for members in by_name.values() for finding in _named(members, answers, ours.addresses)]
    found += issuers.forbidding(ours.issuing, answers, ours.mailcow)
    found += issuers.at_addresses(records, answers, ours.addresses, ours.issuing)
    found += keys.left_over(ours.keyless, answers)
    return tuple(dict.fromkeys((*found, *texts.left_over(ours.policyless, answers))))


def _probe(zone: str) -> str:
    return f"{PROBE}.{zone}"


def _named(records: Sequence[DnsRecord], answers: Answers, ours: frozenset[str]) -> tuple[Finding, ...]:
    """What differs of the records of one name; where an alias of the name's is to blame, that alone."""
    sets = {kind: _Set(members, answers, ours) for (_name, kind), members in parts.sets(records).items()}
    found = [finding for each in sets.values() for finding in each.findings()]
    if "A" in sets and "AAAA" not in sets:
        found += sets["A"].without_ipv6()
    aliases = [alias for kind, each in sets.items() if kind != "CNAME" for alias in each.aliases[:1]]
    if not found or not aliases:
        return tuple(found)
    wild = any(each.is_wild(kind) for kind, each in sets.items())
    why = f"*.{records[0].zone} answers in the place of what is missing" if wild else _NOTHING_BESIDE
    todo = _PUBLISH_OVER if wild else "remove it, and publish what is described for the name"
    need = min((record.need for record in records), key=_NEEDS.index)
    return (Finding(State.IN_THE_WAY, records[0].name, "CNAME", (), (f"{aliases[0]}.",), why, todo, need),)


@frozen
class _Set:
    """Records of one name and type as described, and everything that was answered."""

    records: Sequence[DnsRecord]
    answers: Answers
    ours: frozenset[str]

    @property
    def name(self) -> str:
        return self.records[0].name

    @property
    def kind(self) -> str:
        return self.records[0].type

    @property
    def wanted(self) -> tuple[str, ...]:
        return tuple(record.data for record in self.records)

    @property
    def aliases(self) -> tuple[str, ...]:
        return _content(self.answers[self.name, self.kind])[1]

    def found(self, kind: str) -> tuple[str, ...]:
        return _content(self.answers[self.name, kind])[0]

    def is_wild(self, kind: str) -> bool:
        """Whether any name in the zone gets the same answer."""
        probed = self.answers.get((_probe(self.records[0].zone), kind))
        return probed is not None and _content(self.answers[self.name, kind]) == _content(probed) != _NOTHING

    def findings(self) -> Iterator[Finding]:
        if isinstance(self.answers[self.name, self.kind], Unasked):
            return
        match self.kind:
            case "TXT":
                yield from texts.compare(self.records, self.found("TXT"))
            case "CAA":
                yield from issuers.compare(self.records, self.found("CAA"))
            case "CNAME" if not self.found("CNAME"):
                yield from self._flattened()
            case _:
                yield from self._alone()

    def without_ipv6(self) -> Iterator[Finding]:
        """An IPv6 address beside IPv4 ones, where no proxy has any."""
        if there := self.found("AAAA"):
            yield Finding(State.IN_THE_WAY, self.name, "AAAA", (), there, _NO_IPV6, "remove it", self.records[0].need)

    def _finding(self, state: State, found: tuple[str, ...], why: str, todo: str) -> Finding:
        return Finding(state, self.name, self.kind, self.wanted, found, why, todo, self.records[0].need)

    def _alone(self) -> Iterator[Finding]:
        """Records beside which there may be no others of their type."""
        found, reason = self.found(self.kind), self.records[0].reason
        if self.kind == "MX" and meaning.same_mail_hosts(found, self.wanted):
            return
        missing = [data for data in self.wanted if not any(same(self.kind, data, other) for other in found)]
        others = tuple(data for data in found if not any(same(self.kind, data, wanted) for wanted in self.wanted))
        if others and self.is_wild(self.kind):
            yield self._wild(others)
        elif missing and others:
            yield self._finding(State.DIFFERENT, found, reason, "put this in its place")
        elif missing:
            yield self._finding(State.MISSING, found, reason, "publish all of it" if found else "publish it")
        elif others:
            harm = _HARM.get(self.kind, _LED_ASTRAY)
            yield self._finding(State.IN_THE_WAY, others, harm, "remove it when nobody needs it any more")

    def _flattened(self) -> Iterator[Finding]:
        """No CNAME: some providers answer with the addresses that it leads to instead, which is as good."""
        there = tuple(data for kind in ADDRESSES for data in self.found(kind))
        if not there:
            yield self._finding(State.MISSING, (), self.records[0].reason, "publish it")
        elif any(self.is_wild(kind) for kind in ADDRESSES):
            yield self._wild(there)
        elif not self.ours.issuperset(there):
            yield self._finding(State.IN_THE_WAY, there, _LED_ASTRAY, "remove its addresses, and publish this")

    def _wild(self, found: tuple[str, ...]) -> Finding:
        why = f"*.{self.records[0].zone} answers in its place"
        return self._finding(State.IN_THE_WAY, found, why, _PUBLISH_OVER)


def _content(answer: Answer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Records, and aliases that led to them or to nothing."""
    match answer:
        case Found():
            return answer.records, answer.aliases
        case Absent():
            return (), answer.aliases
        case _:
            return _NOTHING
