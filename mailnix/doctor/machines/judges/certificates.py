"""Certificates: there, for the right names, for some time yet, and shown to who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from mailnix.doctor.machines.certificates import Certificate
from mailnix.doctor.machines.facts import InFile, Served
from mailnix.doctor.machines.seen import Asking, Seen, is_proxy
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.model import ports
from mailnix.services.dane import values as dane
from mailnix.services.mailcow import units as mailcow

SOON: Final = timedelta(days=14)
"""Caddy and acme-mailcow renew a month before the end: half of that is gone by then, and somebody can still act."""

SHARE: Final = 4
"""Of one that lives for less than two months, the last quarter is "soon": authorities issue some for six days."""

LATER: Final = re.compile(r"4\d\d\b")
"""A server's temporary refusal (RFC 5321 4.2.1): of Postfix while its filter is away, which is told of that."""


def in_files(seen: Seen, said: tuple[InFile, ...]) -> Iterator[Verdict]:
    """Each name has one, and it is renewed in time."""
    ill = False
    for each in said:
        found = _file(seen, each)
        if found is not None:
            ill = True
            yield found
    if not ill:
        ends = min((each.der.ends for each in said if each.der), default=None)
        yield seen.well(f"{len(said)} names, the first until {ends:%Y-%m-%d}" if ends else "none is planned")


def _file(seen: Seen, each: InFile) -> Verdict | None:
    subject = seen.about(each.name)
    advice = _acme(seen, each.path)
    if not each.there:
        return Verdict(subject, Answer.ABSENT, f"there is no certificate: {each.path}", advice)
    if each.der is None:
        return Verdict(subject, Answer.WRONG, f"{each.path} holds no certificate", advice)
    return _sound(seen, subject, each.name, each.der, advice)


def _acme(seen: Seen, path: str) -> str:
    """Where to see why there is no other certificate."""
    if is_proxy(seen):
        return seen.on(
            f"journalctl -u {dane.RENEW}" if path == dane.CERTIFICATE else "journalctl -u caddy | grep -i acme"
        )
    return seen.on("journalctl CONTAINER_NAME=mailcowdockerized-acme-mailcow-1")


def _sound(seen: Seen, subject: str, name: str, found: Certificate, advice: str) -> Verdict | None:
    """What is wrong with a certificate; None where nothing is."""
    if not found.covers(name):
        return Verdict(subject, Answer.WRONG, f"it is for {', '.join(found.names) or 'no name'}", advice)
    left = found.ends - seen.ended
    if left <= timedelta(0):
        return Verdict(subject, Answer.WRONG, f"it has expired: {_date(found.ends)}", advice)
    if found.begins > seen.ended:
        return Verdict(subject, Answer.WRONG, f"it counts from {_date(found.begins)} on", advice)
    if left < min(SOON, (found.ends - found.begins) / SHARE):
        text = f"it expires in {left.days} days and was not renewed: {_date(found.ends)}"
        return Verdict(subject, Answer.WRONG, text, advice, severity=Severity.WARNING)
    return None


def _date(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def served(seen: Seen, said: tuple[Served, ...]) -> Iterator[Verdict]:
    """Whoever asks is shown the one that is in the file, and may believe it."""
    known = (seen.facts.files or ()) if seen.facts else ()
    files = {each.name: each for each in known if each.path != dane.CERTIFICATE}
    own = {each.name: each for each in known if each.path == dane.CERTIFICATE}
    ill = False
    for each in said:
        found = _place(seen, each, (own if own and each.port == ports.SMTP else files).get(each.name))
        if found is not None:
            ill = True
            yield found
    if not ill:
        listed = ", ".join(str(port) for port in dict.fromkeys(each.port for each in said))
        yield seen.well(f"on {listed}, as in the file, and to be believed")


def _place(seen: Seen, each: Served, file: InFile | None) -> Verdict | None:
    subject, server = seen.about(f"port {each.port} ({each.name})"), _server(seen, each.port)
    restart = seen.on(f"journalctl -u {server}; systemctl restart {server}")
    known = file.der if file else None
    file_is_ill = file is not None and _file(seen, file) is not None
    if each.der is None or each.refused:
        if _is_down(seen, each.port, server) or (file_is_ill and known is None):
            return Verdict(subject, Answer.UNASKED, f"nobody answers there: {each.refused}", restart)
        if LATER.match(each.refused):
            return Verdict(subject, Answer.UNASKED, f"it says to come again: {each.refused}", restart)
        return Verdict(subject, Answer.ABSENT, f"nobody shows one there: {each.refused}", restart)
    if known is not None and known.fingerprint != each.der.fingerprint:
        text = f"it is not the one in the file, and ends {_date(each.der.ends)}: the new one was not taken"
        return Verdict(subject, Answer.WRONG, text, restart)
    if file_is_ill:  # which is told of the file
        return None
    if file is None and (found := _sound(seen, subject, each.name, each.der, restart)):
        return found
    if each.doubt and not (_of_dates(each.doubt) and _sound(seen, subject, each.name, each.der, restart) is None):
        text = f"mail programs do not believe it: {each.doubt} (by {each.der.issuer})"
        is_own = file is not None and file.path == dane.CERTIFICATE
        return Verdict(subject, Answer.WRONG, text, _acme(seen, dane.CERTIFICATE) if is_own else restart)
    return None


def _of_dates(doubt: str) -> bool:
    """Whether it depends on what time it is there (X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID of OpenSSL)."""
    return "expired" in doubt or "not yet valid" in doubt


def _server(seen: Seen, port: int) -> str:
    if not is_proxy(seen):
        return mailcow.MAILCOW
    return "haraka-in.service" if port == ports.SMTP else "caddy.service"


def _is_down(seen: Seen, port: int, unit: str) -> bool:
    """Whether what should answer there is known to be down, of which others tell."""
    if seen.unit_runs(unit) is False:
        return True
    if not is_proxy(seen) and any(not each.there for each in (seen.facts.tunnels or () if seen.facts else ())):
        return True  # Mailcow's address is the tunnel's
    clients = {each.port: each.container for each in seen.plan.internal.client_ports}
    service = clients.get(port, "postfix-mailcow")
    containers = seen.facts.containers.containers if seen.facts and seen.facts.containers else None
    if is_proxy(seen) or containers is None:
        return False
    return not any(each.service == service and each.is_well for each in containers)


CHECKS: Final = (
    Asking("certificate.files", "Each name has a certificate for a while yet.", Severity.FAILURE, "files", in_files),
    Asking(
        "certificate.served",
        "Whoever asks is shown the right certificate.",
        Severity.FAILURE,
        "served",
        served,
        ("files", "units", "containers", "tunnels"),
    ),
)
