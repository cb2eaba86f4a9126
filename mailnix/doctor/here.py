"""What the doctor hears of servers where it runs, and how it asks them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Protocol

from attrs import frozen

SMTP: Final = "smtp"
"""What `Target.speaks` is for mail servers."""


class Reached(Enum):
    """How far a connection came."""

    YES = "connected"
    REFUSED = "the connection is refused"
    SILENT = "nothing answers"
    NO_ROUTE = "this machine has no way there"


@frozen
class Served:
    """The certificate (DER) that a server shows, and why a client that checks it for `name` refuses it, if it does."""

    name: str
    certificate: bytes
    fault: str = ""


@frozen
class Spoken:
    """A session with a server: what it greeted with, what it offered to EHLO before TLS and in it, what it showed.

    `why` is what went wrong, where `reached` is not YES or the session ended early.
    """

    reached: Reached
    greeting: str = ""
    offers: tuple[str, ...] = ()
    offers_in_tls: tuple[str, ...] = ()
    served: Served | None = None
    why: str = ""


@frozen
class Replies:
    """What a server answered to each line of a dialogue; fewer answers than lines where it ended the session."""

    reached: Reached
    answers: tuple[str, ...] = ()
    why: str = ""


@frozen
class Page:
    """What a web server answered; status 0 where none came, and `why`."""

    reached: Reached
    status: int = 0
    kind: str = ""
    text: str = ""
    why: str = ""


@frozen
class Asked:
    """A web page that is asked for at an address, whatever its host's name leads to."""

    address: str
    host: str
    path: str
    port: int
    method: str = "GET"
    body: str = ""


@frozen
class Target:
    """A server to speak with: `name` must be in its certificate; `starttls` is whether TLS is asked for.

    `speaks` is the protocol, as `ClientPort.speaks` has it, or "http".
    """

    address: str
    port: int
    name: str
    speaks: str
    starttls: bool = False


class Here(Protocol):
    """How code looks; tests pass a fake."""

    def session(self, target: Target) -> Spoken:
        """Greet a server and begin TLS."""
        ...

    def dialogue(
        self, address: str, port: int, lines: Sequence[str], *, tls: bool = False, starttls: bool = False
    ) -> Replies:
        """Say these lines to an SMTP server after its greeting, each once the last is answered.

        With `tls` inside TLS, and with `starttls` where the server offers it: much is refused outside, whoever asks.
        """
        ...

    def connect(self, address: str, port: int) -> Reached:
        """Open a connection, and close it."""
        ...

    def page(self, asked: Asked) -> Page:
        """Ask for a page by HTTPS, without following where it leads."""
        ...
