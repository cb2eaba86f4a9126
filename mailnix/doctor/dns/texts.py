"""Texts in DNS by what they mean: the same said in another order or with other spaces is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from mailnix.doctor.spf import VERSION as SPF
from mailnix.doctor.values import Severity
from mailnix.published.texts import same_key, tags


def _same_tags(one: str, other: str) -> bool:
    return tags(one) == tags(other)


def _same_words(one: str, other: str) -> bool:
    """Mechanisms before `all` may change places: where one of ours matches, mail passes."""
    return sorted(one.lower().split()) == sorted(other.lower().split()) and _last(one) == _last(other)


def _last(text: str) -> str:
    return text.lower().split()[-1]


@frozen
class Kind:
    """Texts of one purpose: how they begin, when two of them are the same, and what becomes of mail where two stand.

    `alone` is whether every text at such a name is meant to be one; `wrong` what it means that one is wrong;
    `versioned` whether one that does not begin so is none (RFC 7489 6.6.3, RFC 8461 3.1, RFC 8460 3).
    """

    begins: str
    same: Callable[[str, str], bool]
    doubled: str
    wrong: Severity
    alone: bool = True
    versioned: bool = True

    def mine(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the texts at a name that are of this kind, or, where there is none, try to be."""
        begun = tuple(filter(self.begin, texts))
        return texts if self.alone and not (begun and self.versioned) else begun

    def begin(self, text: str) -> bool:
        """Whether a text begins as those of the kind; where letter case counts, `same` says so."""
        return text.lower().startswith(self.begins.lower()) or not (self.versioned or "v" in tags(text))


KINDS: Final = {
    "spf": Kind(SPF, _same_words, "receivers take two for an error (RFC 7208 4.5)", Severity.FAILURE, alone=False),
    "spf_helo": Kind(SPF, _same_words, "receivers take two for an error (RFC 7208 4.5)", Severity.WARNING, alone=False),
    "dkim": Kind(
        "v=DKIM1",
        same_key,
        "which one receivers take is left to chance (RFC 6376 3.6.2.2)",
        Severity.FAILURE,
        versioned=False,
    ),
    "dmarc": Kind("v=DMARC1", _same_tags, "receivers then heed neither (RFC 7489 6.6.3)", Severity.FAILURE),
    "dmarc_reports": Kind("v=DMARC1", _same_tags, "one is enough", Severity.WARNING),
    "mta_sts": Kind("v=STSv1", _same_tags, "senders then heed neither (RFC 8461 3.1)", Severity.WARNING),
    "tls_rpt": Kind("v=TLSRPTv1", _same_tags, "senders then heed neither (RFC 8460 3)", Severity.WARNING),
    "dav": Kind("path=", _same_words, "which one programs take is left to chance (RFC 6764 4)", Severity.WARNING),
}
"""By the second half of the id of the check that judges them."""
