"""Mail on its way: queues, the way to Mailcow, certificates."""

from __future__ import annotations

import base64
import re
import ssl
from typing import Any

from .here import Here
from .talk import Refused, Talk, anyone, begin_tls, careful

STRANGER = "ADDR=192.0.2.1 NAME=[UNAVAILABLE]"
"""Whom we speak for to see whether that works: an address that is nobody's (RFC 5737)."""

QUEUED = re.compile(r"(?P<arrived>\d{13})_\d+_\d+_")
"""A mail in Haraka's queue: when it came, in milliseconds, and when it is tried next (its outbound/qfile.js)."""

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def queue(here: Here, told: Any) -> Any:
    """Haraka's: how many mails there are, the age of the oldest, how many are older than `late` (seconds)."""
    names = [path.name for path in here.at(told["folder"]).iterdir()]
    arrived = [int(found["arrived"]) / 1000 for found in map(QUEUED.match, names) if found]
    return waiting([here.now() - each for each in arrived], told["late"])


def waiting(ages: list[float], late: float) -> dict[str, Any]:
    """What is said of a queue."""
    return {
        "count": len(ages),
        "oldest": max(0.0, max(ages, default=0.0)),
        "late": sum(1 for age in ages if age > late),
        "reasons": [],
    }


def xclient(_here: Here, told: Any) -> Any:
    """Whether Mailcow offers XCLIENT to this machine on its port 25, and does it; on which other ports it offers it.

    What it grants is gone as soon as we speak for a stranger: the right is judged by whom it takes us for then.
    """
    found: dict[str, Any] = {"offered": False, "effective": False, "said": "", "elsewhere": [], "unasked": []}
    with Talk(told["host"], told["port"]) as talk:
        talk.answer()
        found["offered"] = _offers(talk.smtp(told["name"]))
        if found["offered"]:
            try:
                talk.say(f"XCLIENT {STRANGER}")
                talk.answer()
                found["effective"] = not _offers(talk.smtp(told["name"]))
            except Refused as refusal:
                found["said"] = str(refusal)
        talk.quit()
    for port, implicit in told["elsewhere"]:
        try:
            if _offered_at(told["host"], port, told["name"], implicit=implicit):
                found["elsewhere"].append(port)
        except (OSError, Refused) as error:
            found["unasked"].append([port, str(error)])
    return found


def _offered_at(host: str, port: int, name: str, *, implicit: bool) -> bool:
    with Talk(host, port) as talk:
        if implicit:
            talk.secure(anyone(), name)
        talk.answer()
        offered = _offers(talk.smtp(name))
        talk.quit()
        return offered


def _offers(lines: list[str]) -> bool:
    return any(line.split()[:1] == ["XCLIENT"] for line in lines)


def served(here: Here, told: Any) -> Any:
    """The certificate that is shown at each place, and what a careful client says of it: nothing where all is well."""
    return [_served(here, each, told["anchors"]) for each in told["places"]]


def _served(here: Here, place: dict[str, Any], anchors: str) -> dict[str, Any]:
    found: dict[str, Any] = {"port": place["port"], "name": place["name"], "der": "", "doubt": "", "refused": ""}
    try:
        try:
            der = _shown(place, careful(here.at(anchors)))
        except ssl.SSLCertVerificationError as error:  # which shows no certificate that it refuses
            found["doubt"] = error.verify_message
            der = _shown(place, anyone())
        found["der"] = base64.b64encode(der).decode()
    except (OSError, Refused) as error:
        found["refused"] = _reason(error)
    return found


def _shown(place: dict[str, Any], context: ssl.SSLContext) -> bytes:
    with Talk(place["host"], place["port"]) as talk:
        begin_tls(talk, place["starttls"], place["name"])
        return talk.secure(context, place["name"])


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def files(here: Here, told: Any) -> Any:
    """The first certificate of each file; where one of several is meant (a folder for each authority), the newest."""
    return [{"name": each["name"], "path": each["path"], **_file(here, each["path"])} for each in told]


def _file(here: Here, pattern: str) -> dict[str, Any]:
    found = sorted(here.root.glob(pattern.lstrip("/")), key=lambda path: path.stat().st_mtime)
    if not found:
        return {"there": False, "der": ""}
    block = CERTIFICATE.search(found[-1].read_text("ascii", "replace"))
    return {"there": True, "der": "".join(block[1].split()) if block else ""}
