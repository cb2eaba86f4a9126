"""TXT records: of those at a name, the ones of our kind count, and there may be one of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from mailnix.plan.types import DnsRecord
from mailnix.published.values import Finding, State
from mailnix.resolve import text_of

Tags: TypeAlias = Mapping[str, str]
_VERSION: Final = re.compile(r"\s*(v\s*=\s*\w+|path=)", re.IGNORECASE)
_SEVERAL: Final = {
    "v=spf1": ("who has several SPF records has none (RFC 7208 4.5)", "merge them into one: Domain(spf=[…])"),
    "v=dmarc1": ("who has several DMARC records has none (RFC 7489 6.6.3)", "remove the others"),
    "v=dkim1": ("which of several keys counts is left to chance (RFC 6376 3.6.2.2)", "remove the others"),
    "v=stsv1": ("who has several has none (RFC 8461 3.1)", "remove the others"),
    "v=tlsrptv1": ("who has several has none (RFC 8460 3)", "remove the others"),
}
_KEY: Final = "DKIM1"
_BESIDE: Final = ("which of them counts is left to chance", "remove the others")
_MERGE: Final = "put this in its place; who else may send belongs into Domain(spf=[…])"


def compare(records: Sequence[DnsRecord], found: Sequence[str]) -> Iterator[Finding]:
    """What differs of the TXT records of one name; others' are passed over."""
    for record in records:
        wanted = text_of(record.data)
        version = _version(wanted)
        # A DKIM record needs no version, and no other kind stands at its name.
        rivals = [data for data in found if version in (_version(text_of(data)), "v=dkim1")]
        equal = [data for data in rivals if _same(text_of(data), wanted)]
        others = tuple(data for data in rivals if data not in equal)
        if not rivals:
            yield _finding(State.MISSING, record, (), record.reason, "publish it")
        elif len(rivals) > 1:
            yield _finding(State.IN_THE_WAY, record, others or tuple(rivals), *_SEVERAL.get(version, _BESIDE))
        elif others:
            todo = _MERGE if version == "v=spf1" else "put this in its place"
            yield _finding(State.DIFFERENT, record, others, record.reason, todo)


def _finding(state: State, record: DnsRecord, found: tuple[str, ...], why: str, todo: str) -> Finding:
    return Finding(state, record.name, record.type, (record.data,), found, why, todo, record.need)


def _version(text: str) -> str:
    match = _VERSION.match(text)
    return re.sub(r"\s", "", match[1]).lower() if match else ""


def _same(one: str, other: str) -> bool:
    """Whether two texts of one kind say the same."""
    first, second = tags(one), tags(other)
    if all("p" in each and each.get("v", _KEY) == _KEY for each in (first, second)):
        return same_key(one, other)
    is_of_tags = ";" in one and ";" in other
    return first == second if is_of_tags else _tidy(one) == _tidy(other)


def tags(text: str) -> Tags:
    """The `tag=value` parts of a text (RFC 6376 3.2), tags in lower case, values without spaces."""
    parts = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): "".join(value.split()) for name, _, value in parts}


def same_key(one: str, other: str) -> bool:
    """Whether the same key is published for the same mail; notes and what may be left out do not count."""
    first, second = tags(one), tags(other)
    return first.get("p") == second.get("p") and all(map(_signs_mail, (first, second)))


def _signs_mail(key: Tags) -> bool:
    flags, hashes, services = (key.get(tag, default).split(":") for tag, default in _KEY_DEFAULTS.items())
    return "y" not in flags and "sha256" in hashes and bool({"*", "email"} & set(services))


_KEY_DEFAULTS: Final = {"t": "", "h": "sha256", "s": "*"}  # RFC 6376 3.6.1


def _tidy(text: str) -> str:
    """A text without the white space and the last semicolon that mean nothing in any of these kinds."""
    return re.sub(r"\s+", " ", re.sub(r"\s*;\s*", "; ", text)).strip().rstrip(";").rstrip()
