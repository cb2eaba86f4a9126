"""The door through which the doctor looks from where it runs: it connects, speaks, and says what it heard.

Nothing is judged here, and nothing raises: who does not answer is an answer, too. A connection is tried twice, and TCP
itself sends a lost packet again, so one lost packet decides nothing.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from attrs import evolve, frozen

from mailnix.doctor.here import SMTP, Asked, Page, Reached, Replies, Served, Spoken, Target
from mailnix.doctor.pages import MOST, Bounded
from mailnix.resolve import NO_WAY

PATIENCE: Final = (8.0, 15.0)  # seconds for each try; a busy server greets late
WHOLE: Final = 120.0
"""Seconds for all of a connection: who sends a letter now and then would hold us for days."""
STARTTLS: Final = "STARTTLS"
S = TypeVar("S")


class _Ended(Exception):
    """A server said something else than what the protocol wants."""


@frozen
class _Starting:
    """How TLS begins within a protocol: what is said, and how lines begin that greet, agree and refuse."""

    said: str
    greeting: tuple[str, ...]
    yes: str
    no: tuple[str, ...]


_STARTING: Final = {
    SMTP: _Starting(STARTTLS, ("220",), "220", ()),
    "imap": _Starting("a STARTTLS", ("* OK", "* BYE"), "a OK", ("a ",)),
    "pop3": _Starting("STLS", ("+OK", "-ERR"), "+OK", ("-ERR",)),
    "sieve": _Starting(STARTTLS, ("OK", "BYE"), "OK", ("NO", "BYE")),
}


class _Line:
    """A connection on which lines are said and heard."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.file = channel.makefile("rb")

    def hear(self, *ends: str) -> tuple[str, ...]:
        """The lines up to one that begins with one of these; raises _Ended where the server stops before."""
        heard: list[str] = []
        for raw in iter(lambda: self.file.readline(4096), b""):
            heard.append(raw.decode("utf-8", "replace").rstrip())
            if heard[-1].startswith(ends) or len(heard) > 200:
                return tuple(heard)
        raise _Ended(f"ended the session{f' after {heard[-1]!r}' if heard else ' without a word'}")

    def reply(self) -> tuple[str, ...]:
        """An SMTP reply (RFC 5321 4.2): its last line has a space after the number."""
        heard: list[str] = []
        for raw in iter(lambda: self.file.readline(4096), b""):
            heard.append(raw.decode("utf-8", "replace").rstrip())
            if heard[-1][3:4] != "-" or len(heard) > 200:
                return tuple(heard)
        raise _Ended("ended the session")

    def say(self, line: str) -> None:
        self.channel.sendall(f"{line}\r\n".encode())

    def ehlo(self) -> tuple[str, ...]:
        """What it offers, its own name first."""
        address = self.channel.getsockname()[0]
        self.say(f"EHLO [{f'IPv6:{address}' if ':' in address else address}]")
        heard = self.reply()
        if not heard[-1].startswith("250"):
            raise _Ended(f"answers EHLO with {heard[-1]!r}")
        return tuple(line[4:] for line in heard)


@frozen
class Network:
    """The real one; `authorities` is a file of certificates to trust instead of this machine's."""

    authorities: Path | None = None
    patience: tuple[float, ...] = PATIENCE
    whole: float = WHOLE

    def session(self, target: Target) -> Spoken:
        """As `Here` says."""
        checked = self._session(target, self._context())
        if checked.served is None or not checked.served.fault:
            return checked
        # Python says why it refuses a certificate, but shows only one that it took.
        seen = self._session(target, _unchecked())
        certificate = seen.served.certificate if seen.served else b""
        return evolve(seen, served=Served(target.name, certificate, checked.served.fault))

    def dialogue(
        self, address: str, port: int, lines: Sequence[str], *, tls: bool = False, starttls: bool = False
    ) -> Replies:
        """As `Here` says."""

        def speak(channel: socket.socket) -> Replies:
            answers: list[str] = []
            try:
                line = _Line(_unchecked().wrap_socket(channel) if tls else channel)
                line.reply()
                offers = line.ehlo()
                if starttls and STARTTLS in map(str.upper, offers):
                    line = _covered(line)
                for each in lines:
                    line.say(each)
                    answers.append(line.reply()[-1])
            except (OSError, _Ended) as error:
                return Replies(Reached.YES, tuple(answers), str(error))
            return Replies(Reached.YES, tuple(answers))

        return self._with(address, port, speak, lambda reached, why: Replies(reached, why=why))

    def connect(self, address: str, port: int) -> Reached:
        """As `Here` says."""
        return self._with(address, port, lambda _channel: Reached.YES, lambda reached, _why: reached)

    def page(self, asked: Asked) -> Page:
        """As `Here` says."""

        def ask(channel: socket.socket) -> Page:
            connection = http.client.HTTPSConnection(asked.host, asked.port)
            connection.response_class = Bounded
            try:
                connection.sock = self._context().wrap_socket(channel, server_hostname=asked.host)
                headers = {"Host": asked.host, "User-Agent": "mailnix doctor", "Accept": "*/*"}
                connection.request(asked.method, asked.path, asked.body.encode() or None, headers)
                answer = connection.getresponse()
                text = answer.read(MOST).decode("utf-8", "replace")
                return Page(Reached.YES, answer.status, answer.getheader("Content-Type", ""), text)
            except (OSError, http.client.HTTPException, ValueError) as error:  # the last: a length below zero
                return Page(Reached.YES, why=_why(error))
            finally:
                connection.close()

        return self._with(asked.address, asked.port, ask, lambda reached, why: Page(reached, why=why))

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authorities) if self.authorities else None)

    def _with(
        self, address: str, port: int, work: Callable[[socket.socket], S], failed: Callable[[Reached, str], S]
    ) -> S:
        """Connect and work, once more where nothing answered."""
        reached = Reached.SILENT
        for seconds in self.patience:
            try:
                with (
                    socket.create_connection((address, port), timeout=seconds) as channel,
                    _ended_after(channel, self.whole) as late,
                ):
                    done = work(channel)
                    return failed(Reached.YES, f"is not done in {self.whole:.0f} seconds") if late.is_set() else done
            except OSError as error:
                reached = _reached(error)
            if reached is Reached.NO_ROUTE:
                break
        return failed(reached, reached.value)

    def _session(self, target: Target, context: ssl.SSLContext) -> Spoken:
        def speak(channel: socket.socket) -> Spoken:
            return _spoken(channel, target, context)

        return self._with(target.address, target.port, speak, lambda reached, why: Spoken(reached, why=why))


@contextmanager
def _ended_after(channel: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """End a connection that takes longer, whatever is read from it then; gives whether that has happened.

    By a handle of its own, for TLS takes the socket's away.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):  # it has ended by itself
            handle.shutdown(socket.SHUT_RDWR)

    with channel.dup() as handle:
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()


def _spoken(channel: socket.socket, target: Target, context: ssl.SSLContext) -> Spoken:
    """Greet, and begin TLS; what was heard before something went wrong is kept."""
    heard = Spoken(Reached.YES)
    try:
        if target.starttls:
            heard = _begun(_Line(channel), target.speaks)
        if heard.why:
            return heard
        with context.wrap_socket(channel, server_hostname=target.name) as inside:
            served = Served(target.name, inside.getpeercert(binary_form=True) or b"")
            return _in_tls(inside, target, evolve(heard, served=served))
    except ssl.SSLCertVerificationError as error:
        return evolve(heard, served=Served(target.name, b"", error.verify_message))
    except (OSError, _Ended) as error:
        return evolve(heard, why=_why(error))


def _covered(line: _Line) -> _Line:
    """The same session inside TLS, or as it was where the server does not begin it."""
    line.say(STARTTLS)
    if not line.reply()[-1].startswith(_STARTING[SMTP].yes):
        return line
    inside = _Line(_unchecked().wrap_socket(line.channel))
    inside.ehlo()
    return inside


def _begun(line: _Line, speaks: str) -> Spoken:
    """What was heard up to the moment when TLS begins."""
    start = _STARTING[speaks]
    offers: tuple[str, ...] = ()
    greeting = line.reply()[-1] if speaks == SMTP else line.hear(*start.greeting)[-1]
    try:
        offers = line.ehlo() if speaks == SMTP else ()
        line.say(start.said)
        answer = line.reply()[-1] if speaks == SMTP else line.hear(start.yes, *start.no)[-1]
    except (OSError, _Ended) as error:
        return Spoken(Reached.YES, greeting, offers, why=_why(error))
    why = "" if answer.startswith(start.yes) else f"refuses STARTTLS: {answer}"
    return Spoken(Reached.YES, greeting, offers, why=why)


def _in_tls(inside: ssl.SSLSocket, target: Target, heard: Spoken) -> Spoken:
    if target.speaks != SMTP:
        return heard
    line = _Line(inside)
    try:
        greeting = heard.greeting if target.starttls else line.reply()[-1]
        return evolve(heard, greeting=greeting, offers_in_tls=line.ehlo())
    except (OSError, _Ended) as error:
        return evolve(heard, why=_why(error))


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _reached(error: OSError) -> Reached:
    if error.errno in NO_WAY or isinstance(error, socket.gaierror):
        return Reached.NO_ROUTE
    return Reached.REFUSED if isinstance(error, ConnectionRefusedError) else Reached.SILENT


def _why(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is refused: {error.verify_message}"
        case TimeoutError():
            return "stops answering"
        case ssl.SSLError():
            return f"TLS fails: {error.reason}"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error) or type(error).__name__
