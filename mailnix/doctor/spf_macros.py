"""Macros of SPF (RFC 7208 7)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

_MACRO: Final = re.compile(
    r"%(?:(?P<plain>[%_-])|\{(?P<letter>[slodipvh])(?P<keep>\d*)(?P<turn>r?)(?P<cuts>[.+,/_=-]*)\})", re.IGNORECASE
)
_PLAIN: Final = {"%": "%", "_": " ", "-": "%20"}
LONGEST: Final = 253  # of a name; what is longer loses labels at its left (RFC 7208 7.3)


def expanded(text: str, address: str, sender: str, domain: str) -> str:
    """A domain-spec for a mail from `address`; raises ValueError where it is none."""
    local_part, _, of = sender.rpartition("@")
    ip = ip_address(address)
    values = {
        "s": sender,
        "l": local_part or "postmaster",
        "o": of,
        "d": domain,
        "i": str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", "")),
        "p": "unknown",  # receivers are told not to look it up (RFC 7208 7.2)
        "v": "in-addr" if ip.version == 4 else "ip6",
        "h": of,
    }

    def value(found: re.Match[str]) -> str:
        if found["plain"]:
            return _PLAIN[found["plain"]]
        parts = re.split(f"[{re.escape(found['cuts'] or '.')}]", values[found["letter"].lower()])
        parts = parts[::-1] if found["turn"] else parts
        if found["keep"] == "0":
            raise ValueError("a macro keeps no part")
        whole = ".".join(parts[-int(found["keep"]) :] if found["keep"] else parts)
        return quote(whole) if found["letter"].isupper() else whole

    if "%" in _MACRO.sub("", text):
        raise ValueError("a % is no macro")
    name = _MACRO.sub(value, text).rstrip(".")
    while len(name) > LONGEST:
        name = name.partition(".")[2]
    return name
