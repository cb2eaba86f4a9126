"""SMTP sessions from addresses of Mailcow's and the proxy's networks."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from typing import Final

from rig.mailcow.space import Space

IMPLICIT_TLS: Final = 465
SECONDS: Final = 60.0
NAME: Final = "probe.example"
SENDER: Final = "a@elsewhere.example"


@contextlib.contextmanager
def session(space: Space, source: str, server: str, port: int = 25) -> Iterator[smtplib.SMTP]:
    """A session that has been greeted, not by name yet."""
    with space.sockets():
        if port == IMPLICIT_TLS:
            context = ssl._create_unverified_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server, port, NAME, timeout=SECONDS, source_address=(source, 0), context=context
            )
        else:
            smtp = smtplib.SMTP(server, port, NAME, timeout=SECONDS, source_address=(source, 0))
    try:
        yield smtp
    finally:
        smtp.close()


def offers_xclient(space: Space, source: str, server: str, port: int) -> bool:
    """Whether EHLO is answered with XCLIENT."""
    with session(space, source, server, port) as smtp:
        smtp.ehlo()
        return smtp.has_extn("xclient")


def as_client(smtp: smtplib.SMTP, client: str, name: str = "good.example") -> None:
    """Speak for a client from now on, as haraka-in does."""
    smtp.ehlo("proxy.example")
    code, said = smtp.docmd("XCLIENT", f"NAME={name} ADDR={client}")
    assert code == 220, said
    smtp.ehlo(name)


def recipient(smtp: smtplib.SMTP, to: str, sender: str = SENDER) -> str:
    """The reply to RCPT."""
    smtp.ehlo_or_helo_if_needed()
    smtp.mail(sender)
    code, said = smtp.rcpt(to)
    return f"{code} {said.decode()}"


def deliver(smtp: smtplib.SMTP, to: str, mark: str, sender: str = SENDER) -> None:
    """Send a message with a mark in it; raises AssertionError where it is not taken."""
    said = recipient(smtp, to, sender)
    assert said.startswith("250"), said
    code, words = smtp.data(message(mark, sender, to))
    assert code == 250, words


def message(mark: str, sender: str, to: str) -> bytes:
    """A message as it goes over SMTP."""
    lines = (f"From: <{sender or 'MAILER-DAEMON@example.org'}>", f"To: <{to}>", f"Subject: {mark}", "")
    return "\r\n".join([*lines, f"The text of {mark}.", ""]).encode()
