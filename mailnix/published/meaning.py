"""When records that are published say what is described, whoever compares them: `mailnix dns diff`, `mailnix doctor`.

A spelling is no difference where no reader makes one; a further record is one where somebody acts on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import frozen

from mailnix.zones import parts

Tags: TypeAlias = Mapping[str, str]


def mail_hosts(mx: Iterable[str]) -> set[str]:
    """The hosts that MX records name."""
    return {each.split()[1].rstrip(".").lower() or "." for each in mx}


def same_mail_hosts(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether senders try the same hosts in the same order: the numbers themselves mean nothing (RFC 5321 5.1)."""
    return _in_order(one) == _in_order(other)


def _in_order(mx: Sequence[str]) -> list[set[str]]:
    numbers = sorted({int(each.split()[0]) for each in mx})
    return [mail_hosts(each for each in mx if int(each.split()[0]) == number) for number in numbers]


def further_authorities(described: Collection[str], found: Collection[str]) -> tuple[str, ...]:
    """CAA records that let somebody issue certificates who is not described; whom to report to does no harm."""
    ours = {_authority(each) for each in described}
    return tuple(each for each in found if _authority(each) and _authority(each) not in ours)


def authorities(found: Iterable[str]) -> frozenset[str] | None:
    """Who may issue for a name itself by its CAA records; None where none of them says (RFC 8659 4.2)."""
    issue = [each for each in found if parts.caa(each)[1].lower() == "issue"]
    return frozenset(map(_authority, issue)) - {""} if issue else None


def bars(found: Iterable[str], authority: str) -> bool:
    """Whether CAA records let somebody issue, or nobody, but not this one."""
    who = authorities(found)
    return who is not None and authority not in who


def read_by_mailcow(name: str) -> str:
    """The name whose CAA records Mailcow reads before it asks for a certificate: the parent.

    It does not look whether the name has nearer ones, which count for the authority (acme/functions.sh, check_domain).
    """
    return name.partition(".")[2]


def _authority(caa: str) -> str:
    """Who may issue by a CAA record (RFC 8659 4.2); empty where it lets nobody."""
    _flags, tag, value = parts.caa(caa)
    return value.partition(";")[0].strip().lower() if tag.lower() in ("issue", "issuewild") else ""


@frozen
class Kind:
    """TXT records of one purpose: how they begin, and when two of them are the same.

    `alone` is whether every text at such a name is meant to be one; `versioned` whether one that does not begin so is
    none (RFC 7489 6.6.3, RFC 8461 3.1, RFC 8460 3).
    """

    begins: str
    same: Callable[[str, str], bool]
    alone: bool = True
    versioned: bool = True

    def mine(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Those of the texts at a name that are of this kind, or, where there is none, try to be."""
        begun = tuple(filter(self.begin, texts))
        return tuple(texts) if self.alone and not (begun and self.versioned) else begun

    def begin(self, text: str) -> bool:
        """Whether a text begins as those of the kind; where letter case counts, `same` says so."""
        return text.lower().startswith(self.begins.lower()) or not (self.versioned or "v" in tags(text))

    def holds(self, text: str, wanted: str) -> bool:
        """Whether a text that is one of `mine` says what is wanted."""
        return self.begin(text) and self.same(text, wanted)


def _same_tags(one: str, other: str) -> bool:
    return tags(one) == tags(other)


def _same_senders(one: str, other: str) -> bool:
    """Mechanisms before `all` may change places: where one of ours matches, mail passes."""
    first, second = one.lower().split(), other.lower().split()
    return sorted(first) == sorted(second) and first[-1:] == second[-1:]


def _same_path(one: str, other: str) -> bool:
    return one.strip() == other.strip()


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
    right = key.get("v", "DKIM1") == "DKIM1"
    return right and "y" not in flags and "sha256" in hashes and bool({"*", "email"} & set(services))


_KEY_DEFAULTS: Final = {"t": "", "h": "sha256", "s": "*"}  # RFC 6376 3.6.1
SPF: Final = Kind("v=spf1", _same_senders, alone=False)
DKIM: Final = Kind("v=DKIM1", same_key, versioned=False)
DMARC: Final = Kind("v=DMARC1", _same_tags)
MTA_STS: Final = Kind("v=STSv1", _same_tags)
TLS_RPT: Final = Kind("v=TLSRPTv1", _same_tags)
DAV: Final = Kind("path=", _same_path)
KINDS: Final = (SPF, DKIM, DMARC, MTA_STS, TLS_RPT, DAV)


def kind_of(text: str) -> Kind:
    """The kind of a described text."""
    return next(kind for kind in KINDS if text.startswith(kind.begins))
