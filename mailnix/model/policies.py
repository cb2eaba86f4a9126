"""What a domain publishes about its mail, in the words of the RFCs that receivers read."""

from __future__ import annotations

from enum import StrEnum

from mailnix.model.reading import member


class DmarcPolicy(StrEnum):
    """What receivers are asked to do with mail that fails DMARC (RFC 7489 6.3)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Alignment(StrEnum):
    """How near the domain that was proven must be to the one that people see (RFC 7489 3.1)."""

    RELAXED = "r"  # of the same organisation: a subdomain will do
    STRICT = "s"  # the very same


class MtaStsMode(StrEnum):
    """How strictly senders shall demand verified TLS (RFC 8461 3.2).

    `NONE` is published too: whoever holds an older policy learns by it that there is none any more (8.3). `OFF` is
    ours, for a domain that publishes nothing: senders keep an older policy until its `max_age` is over.
    """

    NONE = "none"
    TESTING = "testing"
    ENFORCE = "enforce"
    OFF = "off"


def dmarc(value: DmarcPolicy | str) -> DmarcPolicy:
    """Converter of `Domain.dmarc`."""
    return member(DmarcPolicy, value)  # type: ignore[no-any-return]


def dmarc_or_none(value: DmarcPolicy | str | None) -> DmarcPolicy | None:
    """Converter of `Domain.sp`."""
    return member(DmarcPolicy, value)  # type: ignore[no-any-return]


def alignment(value: Alignment | str | None) -> Alignment | None:
    """Converter of `Domain.adkim` and `Domain.aspf`."""
    return member(Alignment, value)  # type: ignore[no-any-return]


def mta_sts(value: MtaStsMode | str | None) -> MtaStsMode:
    """Converter of `Domain.mta_sts`; None is `OFF`."""
    return MtaStsMode.OFF if value is None else member(MtaStsMode, value)
