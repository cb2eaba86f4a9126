"""How notices leave, as people write it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mailnix.doctor.handing import Sendmail, Submission, Way, sendmail
from mailnix.errors import MailnixError
from mailnix.model.clientport import client_port
from mailnix.secrets import line_of

IMPLICIT: Final = "smtps"
_PORTS: Final = {IMPLICIT: client_port("submissions").port, "smtp": client_port("submission").port}
_EXAMPLE: Final = "write smtps://USER@HOST, or smtp://USER@HOST for STARTTLS, or the path of a sendmail"


def way(text: str | None, password: Path | None = None, authorities: Path | None = None) -> Way:
    """A program's path, or `smtps://USER@HOST:PORT`, whose password is in a file; None is this machine's sendmail.

    An @ in USER may stand as it is. Raises MailnixError.
    """
    if text is not None and "://" in text:
        return _submission(text, password, authorities)
    if password is not None:
        raise MailnixError("a password is for a submission server", "name it: --notify-by smtps://USER@HOST")
    if text is None:
        return sendmail()
    if shutil.which(text) is None:
        raise MailnixError(f"{text!r} is no program that can be run", _EXAMPLE)
    return Sendmail(text)


def _submission(text: str, password: Path | None, authorities: Path | None) -> Submission:
    url, port = _split(text)
    user = unquote(url.username or "")
    if url.password is not None:
        hint = "write it into a file, and say --notify-password FILE"
        raise MailnixError("a password on the command line is seen by all who use this machine", hint)
    if bool(user) is not bool(password):
        hint = "say --notify-password FILE" if user else "say who logs in: smtps://USER@HOST"
        lacks = "a user has no password" if user else "a password has no user"
        raise MailnixError(f"{text}: {lacks}", hint)
    secret = None if password is None else line_of(password)
    return Submission(url.hostname or "", port, user, secret, url.scheme == IMPLICIT, authorities)


def _split(text: str) -> tuple[SplitResult, int]:
    try:
        url = urlsplit(text)
        port = url.port or _PORTS[url.scheme]
    except (ValueError, KeyError):
        raise MailnixError(f"{text!r} is no submission server", _EXAMPLE) from None
    if not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise MailnixError(f"{text!r} is no submission server", _EXAMPLE)
    return url, port
