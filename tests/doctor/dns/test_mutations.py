"""Every record of the plan wrong, absent and doubled: each is found under its own id, and nothing else is blamed."""

from __future__ import annotations

import pytest

from mailnix import Alias, Domain, MtaStsMode, Topology
from mailnix.doctor.values import Answer
from mailnix.plan import PublicKeys, derive
from tests.descriptions import sound
from tests.doctor.dns.mutations import id_of, otherwise
from tests.doctor.dns.world import Record, bad, findings, records_of, world

KEYS = {"example.org": "TUlJQklq", "example.net": "TUlJQklr"}


def described() -> Topology:
    """Two domains, one of which reports to the other; one has others who sign for it."""
    first = Domain("example.org", ["alice"], [Alias("postmaster", "alice")], caa=["ca.example"])
    return sound(domains=[first, Domain("example.net", ["bob"], mta_sts=MtaStsMode.ENFORCE)])


PLAN = derive(described(), PublicKeys(KEYS))
RECORDS = records_of(PLAN)
REPEATED = ("SRV", "CNAME")
"""Of the second domain nothing new: its names are like the first's."""


def wrong(record: Record) -> tuple[Record, ...]:
    """It says something else."""
    name, kind, data = record
    return tuple((name, kind, otherwise(kind, data)) if each == record else each for each in RECORDS)


def absent(record: Record) -> tuple[Record, ...]:
    """It is not there."""
    return tuple(each for each in RECORDS if each != record)


def doubled(record: Record) -> tuple[Record, ...]:
    """What was there before stands beside it; beside an alias nothing may, so there addresses stand for it."""
    name, kind, data = record
    if kind != "CNAME":
        return (*RECORDS, (name, kind, otherwise(kind, data)))
    addresses = [
        (name, each, where) for host, each, where in RECORDS if host == data.rstrip(".") and each in ("A", "AAAA")
    ]
    return (*absent(record), *addresses, (name, "A", otherwise("A", "")))


CASES = [
    pytest.param(record, fault, id=f"{record[0]} {record[1]} {record[2][:20]} {fault.__name__}")
    for record in RECORDS
    if not (record[0].endswith("example.net") and record[1] in REPEATED)
    for fault in (wrong, absent, doubled)
    if not ("iodef" in record[2] and fault is doubled)  # reports go to both
]


@pytest.mark.parametrize(("record", "fault"), CASES)
def test_a_fault_is_found_under_its_own_id_and_nothing_else_is_blamed(record: Record, fault: object) -> None:
    assert callable(fault)
    found = bad(findings(PLAN, world(PLAN, fault(record))))
    assert list(found) == [id_of(*record)]
    (finding,) = found[id_of(*record)]
    assert finding.answer in (Answer.WRONG, Answer.ABSENT)
    assert finding.advice
