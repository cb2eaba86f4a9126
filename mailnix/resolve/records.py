"""What records say, however it is written."""

from __future__ import annotations

import dns.rdata
import dns.rdataclass


def text_of(data: str) -> str:
    """The text of a TXT record's data, its strings joined (RFC 7208 3.3)."""
    return _joined(data).decode(errors="replace")


def same(kind: str, one: str, other: str) -> bool:
    """Whether two records say the same: letter case of names and where a text is cut do not count."""
    if kind == "TXT":
        return _joined(one) == _joined(other)
    return _rdata(kind, one).to_digestable() == _rdata(kind, other).to_digestable()


def _joined(data: str) -> bytes:
    strings: tuple[bytes, ...] = _rdata("TXT", data).strings  # type: ignore[attr-defined]  # of this type alone
    return b"".join(strings)


def _rdata(kind: str, data: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, kind, data)
