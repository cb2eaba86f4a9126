"""A session of SMTP as a value, and the one program that plays it to any server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import pytest
from attrs import frozen

from tests.attacks.marks import Kind, attack, still_open
from tests.services.haraka.incoming import Raw

LIKEWISE = "likewise"
HANGS_UP = "hangs up"
EHLO = b"EHLO probe.example.net\r\n"
MAIL = b"MAIL FROM:<carol@example.net>\r\n"
RCPT = b"RCPT TO:<alice@example.org>\r\n"
DATA = b"DATA\r\n"
ENVELOPE = (EHLO, MAIL, RCPT)
TO_DATA = (*ENVELOPE, DATA)
FOREIGN = b"RCPT TO:<victim@example.com>\r\n"
BODY = b"From: carol@example.net\r\nSubject: carrier\r\n\r\nbody\r\n"
DOT = b".\r\n"

PATIENCE = (2.0, 20.0)  # seconds
_sources = count(0)


@frozen
class Dialogue:
    """Steps that are sent one after the other, each when the one before was answered; then QUIT.

    An empty step sends nothing and reads one more answer.

    `right` is the answer to the last step: codes joined by " or " (`550`, `5xx`) or `hangs up`, which is also what a
    server has said that ends the session before. `accepted` is how many messages may be taken at most. `postfix` is
    what Postfix answers to the same: `likewise`, an answer of its own (with a comment that says why), or nothing where
    it is not asked. `open` is why another answer is seen today, where it is.
    """

    name: str
    steps: tuple[bytes, ...]
    right: str
    source: str
    accepted: int = 0
    postfix: str = LIKEWISE
    open: str = ""

    @property
    def right_of_postfix(self) -> str:
        """What Postfix must answer; empty where it is not asked."""
        return self.right if self.postfix == LIKEWISE else self.postfix


@frozen
class Heard:
    """What a server said: the answer to the last step, and all replies from then to the end of the connection."""

    answer: str
    replies: tuple[str, ...]

    def is_any_of(self, right: str) -> bool:
        """Whether the answer is one that `right` names (see `Dialogue`)."""
        wanted = ["" if one == HANGS_UP else one.rstrip("x") for one in right.split(" or ")]
        return any(self.answer.startswith(one) if one else self.answer == "" for one in wanted)


def play(port: int, steps: Sequence[bytes], *, polite: bool = False) -> Heard:
    """Play to the server on a port of this machine, from an address that no session had lately.

    A `polite` client goes no further than the first refusal.
    """
    number = next(_sources)
    session = Raw.connected(port, f"127.0.{10 + number // 200 % 200}.{1 + number % 200}")
    try:
        answer = session.reply()
        for step in steps:
            if not answer or (polite and answer[0] in "45"):
                break
            answer = session.say(step)
        return Heard(answer, (answer, *_rest(session)) if answer else ())
    finally:
        session.close()


def _rest(session: Raw) -> Iterator[str]:
    """Every reply to the end of the connection, which is asked for again where the first QUIT was taken for data."""
    for patience in PATIENCE:
        session.socket.settimeout(patience)
        with contextlib.suppress(TimeoutError):
            reply = session.say(b"QUIT\r\n")
            while reply:
                yield reply
                reply = session.reply()
            return
    raise AssertionError("the server never ends the session")


def params(kind: Kind, dialogues: Iterable[Dialogue]) -> list[object]:
    """Dialogues for `parametrize`, each marked as an attack."""
    return [pytest.param(each, id=each.name, marks=_marks(kind, each)) for each in dialogues]


def _marks(kind: Kind, each: Dialogue) -> list[pytest.MarkDecorator]:
    asked = bool(each.right_of_postfix)
    row = attack(kind, what=each.name, right=_in_words(each), source=each.source, postfix=asked)
    return [row, *still_open(each.open)]


def _in_words(dialogue: Dialogue) -> str:
    different = dialogue.postfix not in ("", LIKEWISE)
    messages = {0: "", 1: ", one message at most"}.get(dialogue.accepted, f", {dialogue.accepted} messages at most")
    return f"{dialogue.right}{f' (Postfix: {dialogue.postfix})' if different else ''}{messages}"


def escaped(text: bytes | str) -> str:
    """Bytes as they can be shown: printable ASCII as it is, the rest as Python writes it."""
    return str(text if isinstance(text, bytes) else text.encode())[2:-1]


def taken_by_postfix(heard: Heard) -> int:
    """How many messages it has answered for."""
    return sum("queued as" in reply for reply in heard.replies)


def unsafe(commands: Iterable[str]) -> list[str]:
    """Commands that Mailcow should never have been sent: with control characters, or a recipient that is not ours."""
    foreign = re.compile(r"RCPT TO:(?!<[^>]*@example\.org>( |$))", re.IGNORECASE)
    return [line for line in commands if re.search(r"[\0-\x1f\x7f]", line) or foreign.match(line)]
