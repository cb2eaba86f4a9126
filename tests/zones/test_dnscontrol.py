"""DNSControl's functions are called with what each record is; Node stands in for its interpreter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from mailnix.plan import DnsRecord
from mailnix.run import run
from mailnix.zones import dnscontrol, parts

STUBS = """
const calls = [];
const END = {};
for (const type of ["A", "AAAA", "CAA", "CNAME", "MX", "SRV", "TLSA", "TXT"])
    globalThis[type] = (...words) => ({ type, words });
function D_EXTEND(zone, ...records) { calls.push([zone, records]); }
"""


def as_words(record: DnsRecord) -> list[Any]:
    match record.type:
        case "TXT":
            return [parts.text(record.data)]
        case "MX" | "SRV":
            *numbers, host = record.data.split()
            return [*map(int, numbers), host]
        case "TLSA":
            *numbers, digest = record.data.split()
            return [*map(int, numbers), digest]
        case "CAA":
            return [record.data.split()[1], record.data.split('"')[1]]
    return [record.data]


def test_every_record_is_a_call(records: Sequence[DnsRecord]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt-get install nodejs)")
    (text,) = dnscontrol.files(records).values()
    program = f"{STUBS}\n{text}\nconsole.log(JSON.stringify(calls))"
    zones = json.loads(run([node, "-"], stdin=program.encode()).stdout)
    assert [zone for zone, _calls in zones] == list(parts.zones(records))
    for zone, calls in zones:
        assert calls.pop() == {}  # END, after the last comma
        expected = [[r.type, parts.relative(r), *as_words(r)] for r in parts.zones(records)[zone]]
        assert sorted([call["type"], *call["words"]] for call in calls) == sorted(expected)
