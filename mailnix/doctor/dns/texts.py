"""Texts in DNS by what they mean: the same said in another order or with other spaces is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from mailnix.doctor.spf import VERSION as SPF
from mailnix.doctor.values import Severity

Tags = Mapping[str, str]


def tags(text: str) -> Tags:
    """The `tag=value` parts of a text (RFC 6376 3.2), tags in lower case, values without spaces."""
    parts = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip().lower(): "".join(value.split()) for name, _, value in parts}


def _same_tags(one: str, other: str) -> bool:
    return tags(one) == tags(other)


def _same_words(one: str, other: str) -> bool:
    """Mechanisms before `all` may change places: where one of ours matches, mail passes."""
    return sorted(one.lower().split()) == sorted(other.lower().split()) and _last(one) == _last(other)


def _last(text: str) -> str:
    return text.lower().split()[-1]


def _same_key(one: str, other: str) -> bool:
    """Whether the same key is published for the same mail; notes and what may be left out do not count."""
    first, second = tags(one), tags(other)
    return first.get("p") == second.get("p") and all(map(_signs_mail, (first, second)))


def _signs_mail(key: Tags) -> bool:
    flags, hashes, services = (key.get(tag, default).split(":") for tag, default in _KEY_DEFAULTS.items())
    return "y" not in flags and "sha256" in hashes and bool({"*", "email"} & set(services))


_KEY_DEFAULTS: Final = {"t": "", "h": "sha256", "s": "*"}  # RFC 6376 3.6.1


@frozen
class Kind:
    """Texts of one purpose: how they begin, when two of them are the same, and what becomes of mail where two stand.

    `alone` is whether every text at such a name is meant to be one; `wrong` what it means that one is wrong.
    """

    begins: str
    same: Callable[[str, str], bool]
    doubled: str
    wrong: Severity
    alone: bool = True

    def mine(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the texts at a name that are of this kind, or try to be."""
        return texts if self.alone else tuple(filter(self.begin, texts))

    def begin(self, text: str) -> bool:
        """Whether a text begins as those of the kind; where letter case counts, `same` says so."""
        return text.lower().startswith(self.begins.lower())


KINDS: Final = {
    "spf": Kind(SPF, _same_words, "receivers take two for an error (RFC 7208 4.5)", Severity.FAILURE, alone=False),
    "spf_helo": Kind(SPF, _same_words, "receivers take two for an error (RFC 7208 4.5)", Severity.WARNING, alone=False),
    "dkim": Kind(
        "v=DKIM1", _same_key, "which one receivers take is left to chance (RFC 6376 3.6.2.2)", Severity.FAILURE
    ),
    "dmarc": Kind("v=DMARC1", _same_tags, "receivers then heed neither (RFC 7489 6.6.3)", Severity.FAILURE),
    "dmarc_reports": Kind("v=DMARC1", _same_tags, "one is enough", Severity.WARNING),
    "mta_sts": Kind("v=STSv1", _same_tags, "senders then heed neither (RFC 8461 3.1)", Severity.WARNING),
    "tls_rpt": Kind("v=TLSRPTv1", _same_tags, "senders then heed neither (RFC 8460 3)", Severity.WARNING),
    "dav": Kind("path=", _same_words, "which one programs take is left to chance (RFC 6764 4)", Severity.WARNING),
}
"""By the second half of the id of the check that judges them."""
