"""Whom to ask: the servers of each zone, and a resolver, which may still have what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeAlias, TypeVar

from attrs import evolve, frozen

from mailnix.plan.types import DnsRecord, Need
from mailnix.published import athome
from mailnix.published.compare import Ours, compare, questions
from mailnix.published.values import Finding, Look, State
from mailnix.resolve import (
    TOGETHER,
    Absent,
    Answer,
    Ask,
    Authorities,
    Question,
    Server,
    Unasked,
    Zone,
    authoritative,
    recursive,
    together,
)
from mailnix.zones import parts

AskAt: TypeAlias = Callable[[Server], Ask]
_ORDER: Final = tuple(State)
_NEEDS: Final = (*Need, None)
_AGAIN: Final = "ask again later"
_WAIT: Final = "wait: it keeps what it had for as long as it was told to"
_ROOT: Final = ("", "NS")  # what every resolver knows
_T = TypeVar("_T")
_R = TypeVar("_R")


@frozen
class Sight:
    """What one server said about some records."""

    who: str
    records: tuple[DnsRecord, ...]
    answers: Mapping[Question, Answer]
    ours: Ours

    @property
    def answered(self) -> frozenset[Question]:
        """The sets of records that it has said something about."""
        return frozenset(key for key in parts.sets(self.records) if not isinstance(self.answers[key], Unasked))

    @property
    def differences(self) -> tuple[Finding, ...]:
        """What differs, without saying where."""
        return compare(self.records, self.answers, self.ours)

    @property
    def is_out_of_reach(self) -> bool:
        """Whether this machine has no way to it."""
        return any(isinstance(each, Unasked) and each.no_way for each in self.answers.values())

    @property
    def unasked(self) -> tuple[Finding, ...]:
        """Whether it could not be asked; once, however many questions that were."""
        sets = parts.sets(self.records)
        told = {key: answer for key in sets if (answer := self.answers[key]) is not athome.SPLIT}
        failed = {key: answer for key, answer in told.items() if isinstance(answer, Unasked)}
        if not failed:
            return ()
        (name, kind), answer = next(iter(failed.items()))
        why = f"{answer.why} ({len(failed)} of {len(sets)} questions)"
        return (Finding(State.UNASKED, name, kind, (), (), why, _AGAIN, None, (self.who,)),)


def look(
    records: Iterable[DnsRecord],
    mailcow: Iterable[str],
    resolver: Server,
    ask_at: AskAt = authoritative,
    ask: Ask | None = None,
) -> Look:
    """Ask the servers of every zone, and the resolver; what the latter alone sees otherwise is on its way to it.

    `mailcow` are the names in the certificate that Mailcow asks for.
    """
    records = tuple(records)
    wanted = tuple(record for record in records if not record.placeholder)
    ours, asks = Ours.of(records, mailcow), ask or recursive(resolver)
    seen = _sight(resolver.name, asks, ours, wanted, questions(wanted, ours), _ROOT)
    seen = evolve(seen, answers=athome.without(seen.answers, ours.addresses))
    if not seen.answered and seen.unasked:
        return _whole(wanted, (seen,), seen.unasked)
    lost: list[Finding] = []
    unknown: set[str] = set()
    jobs: list[Callable[[], Sight]] = []
    for zone, asked in _by_zone(questions(wanted, ours), Authorities(asks)).items():
        names = {name for name, _kind in asked}
        members = tuple(record for record in wanted if record.name in names)
        if not isinstance(zone, Unasked):
            jobs += [
                partial(_sight, each.name, led_on(ask_at(each), asks), ours, members, asked) for each in zone.servers
            ]
        elif members:
            name = members[0].name
            unknown.update(record.name for record in members)
            lost.append(Finding(State.UNASKED, name, "NS", (), (), zone.why, _AGAIN, None, (resolver.name,)))
    # Who does not know whose a name is, is not believed about it: a network without a way out has nothing of anything.
    seen = evolve(seen, records=tuple(record for record in wanted if record.name not in unknown))
    sights = _parallel(lambda job: job(), jobs)
    return _whole(wanted, (*sights, seen), (*_merged(sights, seen), *lost, *seen.unasked))


def look_at(records: Iterable[DnsRecord], mailcow: Iterable[str], server: Server, ask: Ask | None = None) -> Look:
    """Ask one server alone for what belongs into zones of ours: one that is to serve them soon, say."""
    records = tuple(records)
    wanted = tuple(record for record in records if record.zone and not record.placeholder)
    ours = Ours.of(records, mailcow)
    seen = _sight(server.name, ask or recursive(server), ours, wanted, questions(wanted, ours))
    found = (evolve(finding, where=(seen.who,)) for finding in seen.differences)
    return _whole(wanted, (seen,), (*found, *seen.unasked))


def _sight(
    who: str,
    ask: Ask,
    ours: Ours,
    records: tuple[DnsRecord, ...],
    wanted: Iterable[Question],
    first: Question | None = None,
) -> Sight:
    """What a server says; of one that is silent about `first` (or the first question), nothing more is asked.

    It was asked thrice already: to wait as long for each of a hundred questions would tell nothing more.
    """
    asked = tuple(dict.fromkeys(wanted))
    answer = ask(*(first or asked[0]))
    silent = isinstance(answer, Unasked) and not answer.rcode
    return Sight(who, records, dict.fromkeys(asked, answer) if silent else together(ask, asked), ours)


def led_on(ask: Ask, others: Ask) -> Ask:
    """Ask a zone's server; where an alias leads out of the zone, `others` know what is there."""

    def led_on(name: str, kind: str, /) -> Answer:
        answer = ask(name, kind)
        if not isinstance(answer, Absent) or not answer.aliases:
            return answer
        there = others(answer.aliases[-1], kind)
        return there if isinstance(there, Unasked) else evolve(there, aliases=(*answer.aliases, *there.aliases))

    return led_on


def _by_zone(asked: Iterable[Question], authorities: Authorities) -> Mapping[Zone | Unasked, tuple[Question, ...]]:
    """Questions by the zone that their names are really in, which a plan can only guess."""
    asked = tuple(dict.fromkeys(asked))
    names = list(dict.fromkeys(name for name, _kind in asked))
    zones = dict(zip(names, _parallel(authorities.of, names), strict=True))
    found: dict[Zone | Unasked, list[Question]] = {}
    for question in asked:
        found.setdefault(zones[question[0]], []).append(question)
    return {zone: tuple(members) for zone, members in found.items()}


def _parallel(work: Callable[[_T], _R], items: Sequence[_T]) -> tuple[_R, ...]:
    with ThreadPoolExecutor(TOGETHER) as pool:
        return tuple(pool.map(work, items))


def _merged(sights: Sequence[Sight], seen: Sight) -> Iterator[Finding]:
    """What servers of the zones say, each difference once; and what the resolver alone says."""
    said: dict[Finding, tuple[str, ...]] = {}
    for sight in sights:
        for finding in sight.differences:
            said[finding] = (*said.get(finding, ()), sight.who)
        others = (each for each in sights if each.records == sight.records and each.answered)
        if not (sight.is_out_of_reach and any(others)):  # who has no IPv6 asks the zone's others
            yield from sight.unasked
    settled = {name for sight in sights for name, _kind in sight.answered} - {finding.name for finding in said}
    for finding in seen.differences:
        if finding.name in settled:
            yield evolve(finding, state=State.NOT_YET, todo=_WAIT, where=(seen.who,))
        else:
            said[finding] = (*said.get(finding, ()), seen.who)
    yield from (evolve(finding, where=where) for finding, where in said.items())


def _whole(wanted: Sequence[DnsRecord], sights: Iterable[Sight], findings: Iterable[Finding]) -> Look:
    ordered = sorted(findings, key=lambda each: (_ORDER.index(each.state), _NEEDS.index(each.need)))
    answered = frozenset[Question]().union(*(sight.answered for sight in sights))
    differing = {(each.name, each.type) for each in ordered if each.state is not State.UNASKED}
    same = [key for key in parts.sets(wanted) if key in answered and not {key, (key[0], "CNAME")} & differing]
    return Look(len(same), tuple(ordered))
