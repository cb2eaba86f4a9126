"""The texts of a plan by what they are for, and what it means for mail that one is wrong."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from mailnix.doctor.values import Severity
from mailnix.published import meaning


@frozen
class Purpose:
    """Texts of a kind, what becomes of mail where two stand, and what it means that one is wrong."""

    kind: meaning.Kind
    doubled: str
    wrong: Severity


_TWO: Final = "receivers take two for an error (RFC 7208 4.5)"
_CHANCE: Final = "which one receivers take is left to chance (RFC 6376 3.6.2.2)"
PURPOSES: Final = {
    "spf": Purpose(meaning.SPF, _TWO, Severity.FAILURE),
    "spf_helo": Purpose(meaning.SPF, _TWO, Severity.WARNING),
    "dkim": Purpose(meaning.DKIM, _CHANCE, Severity.FAILURE),
    "dmarc": Purpose(meaning.DMARC, "receivers then heed neither (RFC 7489 6.6.3)", Severity.FAILURE),
    "dmarc_reports": Purpose(meaning.DMARC, "one is enough", Severity.WARNING),
    "mta_sts": Purpose(meaning.MTA_STS, "senders then heed neither (RFC 8461 3.1)", Severity.WARNING),
    "tls_rpt": Purpose(meaning.TLS_RPT, "senders then heed neither (RFC 8460 3)", Severity.WARNING),
    "dav": Purpose(meaning.DAV, "which one programs take is left to chance (RFC 6764 4)", Severity.WARNING),
}
"""By the second half of the id of the check that judges them."""
