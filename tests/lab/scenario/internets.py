"""The internet as checks of mail meet it, where all is well but for what a test wants otherwise."""

from __future__ import annotations

from typing import Any

from mailnix.lab.internet.layout import INTERNET

from .conftest import Guests

RELAY = "mail.example.org[203.0.113.10]:25"
VERIFIED = "Verified TLS connection established to mail.example.org[203.0.113.10]:25: TLSv1.3 with cipher X"
TLS = {"names": ["mail.example.org"], "version": "TLSv1.3", "issuer": "lab", "sha256": "ab" * 32}
CLIENT_LOG = (
    "smtpd[1]: AA1: client=mx.elsewhere.test[198.51.100.25]\ncleanup[1]: AA1: message-id=<word-1@elsewhere.test>\n"
)
MESSAGE = "Received: from mx.elsewhere.test (mx.elsewhere.test [198.51.100.25]) by x\nSubject: word-1\n\nhi\n"


def inbound_internet(
    guests: Guests, *, relay: str = RELAY, tls: str = VERIFIED, count: int = 1, log: str = CLIENT_LOG
) -> None:
    fate = {"relay": relay, "status": "sent", "said": "250 ok", "tls": tls}
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": {"alice@example.org": fate}})
    guests[INTERNET].when("probe.py imap", {"ok": True, "count": count, "messages": [MESSAGE] * count, "tls": TLS})
    guests["internal"].when("docker logs", log)


def replies(*codes: tuple[str, int]) -> dict[str, Any]:
    return {"ok": False, "replies": [{"sent": sent, "code": code, "text": f"{code} text"} for sent, code in codes]}


REFUSED = replies(("", 220), ("EHLO x", 250), ("MAIL FROM:<a>", 250), ("RCPT TO:<b>", 554))


def outbound_internet(guests: Guests, **headers: str) -> None:
    hop = headers.get(
        "hop", "from mail.example.org (mail.example.org [203.0.113.10]) by mx.elsewhere.test with ESMTPS id 1"
    )
    verdict = headers.get("verdict", "spf=pass; dkim=pass; dmarc=pass")
    raw = f"Received: {hop}\nAuthentication-Results: mx.elsewhere.test; {verdict}\nFrom: alice@example.org\n\nhi\n"
    guests[INTERNET].when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": 1, "messages": [raw]})
    client = headers.get("client", "unknown[198.51.100.80]")
    guests["internal"].when(
        "docker logs",
        f"smtps/smtpd[1]: BB1: client={client}, sasl_method=PLAIN, sasl_username=alice@example.org\n"
        "cleanup[1]: BB1: message-id=<word-1@x>\n",
    )
