"""A published zone as a value: what is in it, and how a server answers from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from attrs import evolve, frozen

from mailnix.plan import DnsRecord, PublicKeys, derive, with_keys
from mailnix.resolve import Absent, Answer, Found
from tests.descriptions import sound

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "x" * 360


@frozen
class World:
    """Records as (name, type, data); it answers as a server that has them all, wildcards and aliases too."""

    lines: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, records: Iterable[DnsRecord]) -> World:
        return cls(tuple((r.name, r.type, r.data) for r in records if not r.placeholder))

    def plus(self, *lines: tuple[str, str, str]) -> World:
        return evolve(self, lines=(*self.lines, *lines))

    def minus(self, name: str, *kinds: str) -> World:
        kept = (line for line in self.lines if line[0] != name or (kinds and line[1] not in kinds))
        return evolve(self, lines=tuple(kept))

    def __call__(self, name: str, kind: str, /) -> Answer:
        here = self._at(name)
        if aliases := [data for other, data in here if other == "CNAME" and kind != "CNAME"]:
            target = aliases[0].rstrip(".")
            answer = self(target, kind)
            assert isinstance(answer, Found | Absent)
            return evolve(answer, aliases=(target, *answer.aliases))
        data = tuple(sorted(data for other, data in here if other == kind))
        return Found(data) if data else Absent(exists=bool(here))

    def _at(self, name: str) -> Sequence[tuple[str, str]]:
        if any(other == name or other.endswith(f".{name}") for other, _kind, _data in self.lines):
            return [(kind, data) for other, kind, data in self.lines if other == name]
        wild = f"*.{name.partition('.')[2]}"
        return [(kind, data) for other, kind, data in self.lines if other == wild]


@pytest.fixture(scope="session")
def records() -> tuple[DnsRecord, ...]:
    """Of one proxy with both families, one domain, and a key."""
    return with_keys(derive(sound()), PublicKeys({"example.org": KEY})).records


@pytest.fixture
def well(records: Sequence[DnsRecord]) -> World:
    """All of it published, beside a web site's records that do no harm."""
    return World.of(records).plus(
        ("example.org", "A", "203.0.113.80"),
        ("www.example.org", "CNAME", "example.org."),
        ("example.org", "TXT", '"google-site-verification=abc"'),
        ("mail.example.org", "CAA", '0 issuewild ";"'),
        ("example.org", "CAA", '0 issue "letsencrypt.org; validationmethods=http-01"'),
    )
