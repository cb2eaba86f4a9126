"""What has changed, as a mail to somebody who looks after the machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final

from mailnix.doctor import report
from mailnix.doctor.values import Answer, Finding

MOST: Final = 40
"""Findings that are written out: a zone that is lost has hundreds, and a mail is read on a telephone."""
_NAME: Final = "mailnix doctor"
_WELL: Final = "well again"


def notice(host: str, news: Sequence[Finding], to: str, sender: str, command: str, now: datetime) -> EmailMessage:
    """A mail about findings that are news, the worst first. `command` shows all of it, now.

    Without a `sender` it has no From: sendmail(8) writes who runs it. No program is to answer it (RFC 3834 5).
    """
    message = EmailMessage()
    if sender:
        message["From"] = Address(_NAME, addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = f"[{host}] {report.summary(news, well=_WELL)}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=host)
    message["Auto-Submitted"] = "auto-generated"
    text = "\n".join(_text(host, news, command)) + "\n"
    message.set_content(text, cte="quoted-printable")  # which every server takes
    return message


def _text(host: str, news: Sequence[Finding], command: str) -> Iterator[str]:
    ordered = sorted(news, key=report.weight)
    yield f"What has changed at {host} since mailnix doctor last looked:"
    for each in ordered[:MOST]:
        first, *rest = report.lines(each)
        yield ""
        yield f"{_WELL if each.answer is Answer.WELL else report.word(each)}: {first}"
        yield from rest
    if len(ordered) > MOST:
        yield f"\n… and {len(ordered) - MOST} more."
    yield f"\nHow all of it is now:\n    {command}"
