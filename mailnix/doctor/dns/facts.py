"""What was gathered about names: answers by who gave them, and what was fetched from here to compare them with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from attrs import field, frozen

from mailnix.doctor.here import Page, Spoken
from mailnix.doctor.spf import Outcome
from mailnix.plan import DnsRecord, Plan
from mailnix.resolve import Answer, Found, Question, Unasked

Answers = Mapping[str, Answer]
"""Of one name from one server, by type."""


@frozen
class Seen:
    """What is at a name, by type, from each authoritative server and from each recursive resolver, by its name."""

    authoritative: Mapping[str, Answers] = field(factory=dict)
    recursive: Mapping[str, Answers] = field(factory=dict)

    def answers(self, kind: str) -> Iterator[Answer]:
        """Every answer to one question, the nearest to the source first."""
        for answers in (*self.authoritative.values(), *self.recursive.values()):
            if kind in answers:
                yield answers[kind]

    def best(self, kind: str) -> Answer:
        """The first answer that was one."""
        answers = list(self.answers(kind))
        asked = (each for each in answers if not isinstance(each, Unasked))
        return next(asked, answers[0] if answers else Unasked(f"{kind} was not asked for"))

    @property
    def alias(self) -> str:
        """The name that this one is published as an alias of, whatever was asked for; empty where it is none.

        Where a server of its zone has answered, resolvers, which may still have what was there before, are not asked.
        """
        published = aliased(self.authoritative.values())
        return published if published or _is_heard(self.authoritative) else aliased(self.recursive.values())


def aliased(by_server: Iterable[Answers]) -> str:
    """The first name that any of these answers leads to."""
    found = (leads for answers in by_server for kind, each in answers.items() if (leads := _leads_to(kind, each)))
    return next(found, "")


def _is_heard(by_server: Mapping[str, Answers]) -> bool:
    return any(not isinstance(each, Unasked) for answers in by_server.values() for each in answers.values())


def _leads_to(kind: str, answer: Answer) -> str:
    if isinstance(answer, Unasked):
        return ""
    if kind == "CNAME" and isinstance(answer, Found):
        return answer.records[0].rstrip(".").lower()
    return answer.aliases[0] if answer.aliases else ""


@frozen
class ZoneSeen:
    """A zone: its SOA from each of its servers and resolvers, and its keys.

    `unchecked` is the same with DNSSEC not checked; `why` is what kept us from knowing the servers.
    """

    name: str
    servers: Mapping[str, Answer]
    ds: Answer
    dnskey: Answer
    checked: Mapping[str, Answer]
    unchecked: Mapping[str, Answer]
    why: str = ""

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.name or "."

    @property
    def is_signed(self) -> bool:
        """Whether the world can tell true answers from forged ones."""
        return isinstance(self.ds, Found) or (not self.name and isinstance(self.dnskey, Found))


@frozen
class SpfSeen:
    """A domain's record evaluated for addresses: of ours, which shall pass, and of nobody, which shall not.

    `described` and `stranger` have our records as described, whatever is published, and the world's others as they are;
    `published` and `published_stranger` have all as they are.
    """

    domain: str
    described: Mapping[str, Outcome]
    stranger: Mapping[str, Outcome]
    published: Mapping[str, Outcome]
    published_stranger: Mapping[str, Outcome]


@frozen
class DnsFacts:
    """Everything that the checks of names judge.

    `policies` are MTA-STS policies by domain and address asked, `servers` what answers on port 25 by host name and
    address.
    """

    plan: Plan
    seen: Mapping[str, Seen]
    zones: Mapping[str, ZoneSeen]
    zone_of: Mapping[str, str]
    spf: tuple[SpfSeen, ...] = ()
    policies: Mapping[tuple[str, str], Page] = field(factory=dict)
    servers: Mapping[tuple[str, str], Spoken] = field(factory=dict)

    def at(self, name: str) -> Seen:
        """What is at a name; nothing where nobody was asked."""
        return self.seen.get(name, Seen())

    def described(self, name: str, kind: str) -> tuple[DnsRecord, ...]:
        """The plan's records."""
        return tuple(self._described.get((name, kind), ()))

    @cached_property
    def _described(self) -> Mapping[Question, list[DnsRecord]]:
        """Once for all: a thousand domains have twenty thousand records."""
        found: dict[Question, list[DnsRecord]] = {}
        for each in self.plan.records:
            found.setdefault((each.name, each.type), []).append(each)
        return found
