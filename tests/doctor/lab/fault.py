"""A single fault of a lab: how it is made and mended, and what the doctor must say of it, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import reduce
from typing import Final

from attrs import evolve, frozen

from mailnix.lab.scenario import Guest
from mailnix.plan import DnsRecord, Plan
from tests.doctor.lab.practice import Practice

COMMAND: Final = 180.0  # seconds

Where = Callable[[Practice], Guest]
Breaks = Callable[[Practice], AbstractContextManager[None]]
Changed = Callable[[tuple[DnsRecord, ...]], Collection[DnsRecord]]


@frozen
class Fault:
    """`only` are the groups that could be blamed; `also` what cannot be well beside `id`, for it is the same thing seen
    from elsewhere; `unasked` what cannot be asked meanwhile. `plan` is what is described, where the lab has less.

    A `seldom` one of what is published is left to who has the time, as all that break machines are.
    """

    name: str
    id: str
    breaks: Breaks
    only: tuple[str, ...]
    also: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    evidence: str = ""
    plan: Callable[[Plan], Plan] = lambda plan: plan
    patience: float = 0.0
    seldom: bool = False


PROXY: Final[Where] = lambda practice: practice.proxy  # noqa: E731
HOME: Final[Where] = lambda practice: practice.home  # noqa: E731
INTERNET: Final[Where] = lambda practice: practice.internet  # noqa: E731


def on(where: Where, breaks: str, mends: str) -> Breaks:
    """Commands of a shell; the second mends also what the first did half."""

    @contextmanager
    def broken(practice: Practice) -> Iterator[None]:
        guest = where(practice)
        try:
            guest.succeed(breaks, timeout=COMMAND)
            yield
        finally:
            guest.succeed(mends, timeout=COMMAND)

    return broken


def edited(where: Where, path: str, breaks: str, then: str = "true") -> Breaks:
    """A file that is changed by a command (`$file`), and put back; `then` is done after either."""
    kept = "/run/before-the-fault"
    begin = f"set -e; file={path}; cp -a $file {kept}; {breaks}; {then}"
    return on(where, begin, f"set -e; if [ -e {kept} ]; then cp -a {kept} {path}; rm {kept}; fi; {then}")


def moved(where: Where, path: str) -> Breaks:
    """A file or folder that is gone, and comes back; the path may be one that a shell makes out."""
    away, from_ = "/var/tmp/away", "/var/tmp/away-from"
    begin = f'set -e; echo {path} > {from_}; mv "$(cat {from_})" {away}'
    return on(where, begin, f'if [ -e {away} ]; then mv {away} "$(cat {from_})"; fi')


def published(changed: Changed, *more: str, spoilt: bool = False) -> Breaks:
    """Other records are published than the described ones."""

    @contextmanager
    def broken(practice: Practice) -> Iterator[None]:
        try:
            practice.names.publish(changed(practice.scene.plan.records), more, spoilt=spoilt)
            yield
        finally:
            practice.names.lapse()  # a zone is signed anew for each change: the next one mends this one, too

    return broken


def as_described(records: tuple[DnsRecord, ...]) -> Collection[DnsRecord]:
    """No other ones."""
    return records


Chosen = Callable[[DnsRecord], bool]


def at(name: str, kind: str, says: str = "") -> Chosen:
    """Records of a name and a type, that say something."""
    return lambda record: (record.name, record.type) == (name, kind) and says in record.data


def wrong(which: Chosen, data: str | Callable[[str], str]) -> Changed:
    """One says something else."""
    return lambda records: _some(
        records,
        [
            evolve(each, data=data if isinstance(data, str) else data(each.data)) if which(each) else each
            for each in records
        ],
    )


def absent(which: Chosen) -> Changed:
    """One is not there."""
    return lambda records: _some(records, [each for each in records if not which(each)])


def doubled(which: Chosen, data: str) -> Changed:
    """Another one stands beside it."""
    return lambda records: _some(records, [*records, *(evolve(each, data=data) for each in records if which(each))])


def together(*changes: Changed) -> Changed:
    """One after the other."""
    return lambda records: reduce(lambda before, change: tuple(change(before)), changes, records)


def _some(before: Collection[DnsRecord], after: Collection[DnsRecord]) -> Collection[DnsRecord]:
    assert [*before] != [*after], "no record is meant"
    return after
