"""The doors through which a notice leaves: this machine's sendmail, or a mail provider's submission server."""

from __future__ import annotations

import contextlib
import shutil
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from attrs import frozen

from mailnix.doctor.sessions import Limit, Plain, Tls
from mailnix.errors import MailnixError, one_line
from mailnix.run import Runner, run
from mailnix.secrets import Secret

SENDMAIL: Final = "sendmail"
_ELSEWHERE: Final = "/usr/sbin:/usr/lib:/usr/local/sbin"  # where sendmail(8) is for who has no such PATH
PATIENCE: Final = 60.0  # seconds for each step of a session
WHOLE: Final = 300.0  # and for all of it, also where a program holds it
_GREETS_AS: Final = "[127.0.0.1]"  # as mail programs do; a name would be asked for in DNS, which may be what is broken
_SAID: Final = 300  # characters
_LEAVING: Final = partial(run, leave=True)


class Way(Protocol):
    """How a notice leaves."""

    def hand(self, message: EmailMessage, to: str, sender: str) -> None:
        """Hand it over for one receiver; `sender` gets it back if need be. Raises MailnixError."""
        ...


@frozen
class Sendmail:
    """A program that takes mail as sendmail(8) does: Postfix's, Exim's, msmtp, dma.

    What it started is left: dma and msmtp's queue scripts deliver in a child, after they have ended.
    """

    program: str
    runner: Runner = _LEAVING

    def hand(self, message: EmailMessage, to: str, sender: str) -> None:
        """As `Way` says."""
        argv = (self.program, "-i", *(("-f", sender) if sender else ()), "--", to)
        self.runner(argv, stdin=message.as_bytes(), timeout=WHOLE, hint="see whether it sends any mail")


def sendmail(path: str | None = None) -> Sendmail:
    """This machine's; raises MailnixError where it has none. `path` is where to look, as in $PATH."""
    found = shutil.which(SENDMAIL, path=path) or (None if path else shutil.which(SENDMAIL, path=_ELSEWHERE))
    if found is None:
        hint = "install one that sends by a provider's server (msmtp-mta), or: --notify-by smtps://USER@HOST"
        raise MailnixError(f"there is no {SENDMAIL} on this machine to hand notices to", hint)
    return Sendmail(found)


@frozen
class Submission:
    """A submission server (RFC 6409), with TLS at once (RFC 8314 3.3) or else by STARTTLS, never without.

    `password` is None where nobody logs in; `authorities` is a file of certificates to trust instead of this machine's;
    `within` are the seconds in which all must be done.
    """

    host: str
    port: int
    user: str = ""
    password: Secret | None = None
    implicit: bool = True
    authorities: Path | None = None
    within: float = WHOLE

    def hand(self, message: EmailMessage, to: str, sender: str) -> None:
        """As `Way` says."""
        limit = Limit(self.within)
        try:
            with limit.kept(), self._session(limit) as server:
                if self.password is not None:
                    server.login(self.user, self.password.reveal().decode())
                server.sendmail(sender, [to], message.as_bytes(policy=SMTP))
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            hint = "try it with the settings that its provider names for mail programs"
            why = f"it was given up after {self.within:g} seconds" if limit.passed else _why(error)
            raise MailnixError(f"{self.host}:{self.port} takes no notice: {why}", hint) from None

    @contextlib.contextmanager
    def _session(self, limit: Limit) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context(cafile=None if self.authorities is None else str(self.authorities))
        if self.implicit:
            settings = {"timeout": PATIENCE, "context": context}
            server: smtplib.SMTP = Tls(limit, self.host, self.port, _GREETS_AS, **settings)
        else:
            server = Plain(limit, self.host, self.port, _GREETS_AS, PATIENCE)
        try:
            if not self.implicit:
                server.starttls(context=context)
            yield server
        finally:
            # Whatever it says to that: the notice is taken by then, or the trouble is known.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()


def _why(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            code, said = next(iter(refused.values()))
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=said):
            pass
        case UnicodeError():  # whose own words have a letter of it
            return "its user or password has letters that are not ASCII"
        case _:
            return one_line(str(error) or type(error).__name__, _SAID)
    return one_line(f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}", _SAID)
