"""What leaves either Haraka is, byte for byte, what came in, but for the Received line that haraka-in adds in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

import rig as stands
from mailnix.plan import Plan
from mailnix.services.haraka.values import MAX_HEADER, MAX_MESSAGE
from mailnix.services.mailcow.render import files
from rig import Stand
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import haraka_in as before
from tests.services.haraka.messages import ALPHABETS, SHAPES, Message, messages
from tests.services.haraka.recorder import Client, on_the_wire
from tests.services.haraka.ways import Way, inward, outward

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

COUNT = 2040
SEED = 9


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture(scope="module")
def haraka_in(stand: Stand) -> Iterator[Way]:
    with inward(stand) as running:
        yield running


@pytest.fixture(scope="module")
def haraka_out(stand: Stand) -> Iterator[Way]:
    with outward(stand) as running:
        yield running


@pytest.fixture(scope="module", params=["in", "out"])
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.getfixturevalue(f"haraka_{request.param}")
    return chosen


def through(way: Way, mails: Sequence[Message], sessions: int = 6) -> dict[int, str]:
    """Sends messages in a few sessions side by side; the replies by number."""
    replies: dict[int, str] = {}

    def send(share: int) -> None:
        mine = iter(mails[share::sessions])
        unsent = next(mine, None)
        while unsent is not None:
            with way.client(number=share) as session:
                while unsent is not None:
                    mail, unsent = unsent, next(mine, None)
                    replies[mail.number] = session.send(mail.sender, way.recipient, mail.content, mail.cuts)
                    if mail.refused:
                        break  # it hangs up

    with ThreadPoolExecutor(sessions) as pool:
        list(pool.map(send, range(sessions)))
    return replies


def check(way: Way, mails: Sequence[Message], replies: dict[int, str]) -> dict[int, bytes]:
    """Each is there once as it was sent, or refused and not there; what arrived, by number."""
    refused = {number for number, reply in replies.items() if not reply.startswith("250")}
    assert refused == {mail.number for mail in mails if mail.refused}
    taken = [mail for mail in mails if mail.number not in refused]
    stands.until(lambda: way.behind.count >= len(taken), "all messages arrive", seconds=120)
    assert set(way.behind.mails) == {mail.sender for mail in taken}
    changed = {mail.number for mail in taken if way.arrived(mail.sender) != mail.content}
    assert changed == set()
    return {mail.number: way.behind.sent_by(mail.sender)[0] for mail in taken}


@attack(
    Kind.CONTENT,
    right="the same bytes, or refused and nothing",
    source="RFC 5321 6.4, 4.2.5: 250 makes us responsible for all of it",
)
def test_every_message_arrives_as_it_was_sent_or_is_refused_and_does_not(stand: Stand) -> None:
    assert COUNT % len(SHAPES) == 0
    with inward(stand) as first:
        mails = list(messages(COUNT, SEED))
        assert sum(mail.refused for mail in mails) == COUNT // len(SHAPES)
        at_home = check(first, mails, through(first, mails))
    with outward(stand) as second:
        mails = [evolve(mail, content=at_home.get(mail.number, mail.content)) for mail in mails]
        check(second, mails, through(second, mails))


ADDRESSES = [b"user%d@example.com" % number for number in range(1200)]
AFTER = b"Subject: after a long To\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
LONG_TO = b"To: " + b",\r\n ".join(ADDRESSES) + b"\r\n" + AFTER + b"\r\n--b\r\n\r\nx\r\n--b--\r\n"
NO_BLANK_LINE = b"".join(b"Field-%d: %d\r\n" % (number, number) for number in range(3000))


@pytest.mark.parametrize("content", [LONG_TO, NO_BLANK_LINE], ids=["1,200 folded lines, then MIME", "no blank line"])
@attack(Kind.CONTENT, right="250, every byte", source="RFC 5321 6.4, 4.2.5: 250 makes us responsible for all of it")
def test_a_header_of_many_lines_arrives_with_all_of_them(way: Way, content: bytes) -> None:
    sender = f"lines{len(content)}@example.net"
    assert way.send(sender, content).startswith("250")
    assert way.arrived(sender) == content


@pytest.mark.parametrize("hello", ["EHLO a.test", "HELO a.test"])
@pytest.mark.parametrize("charset", ["latin1", "cp1251", "utf-8"])
@attack(Kind.CONTENT, right="250, every byte", source="RFC 5321 6.4; RFC 6376 3.7: signatures")
def test_a_header_in_8_bit_bytes_keeps_them(way: Way, charset: str, hello: str) -> None:
    text = ALPHABETS[charset].encode(charset)
    content = b"From: a@example.org\r\nSubject: " + text + b"\r\n\r\n" + text + b"\r\n"
    sender = f"{charset}-{hello[:4]}@example.net"
    assert way.send(sender, content, hello).startswith("250")
    assert way.arrived(sender) == content


@attack(Kind.CONTENT, right="250, nothing added", source="RFC 6376 5.4.2")
def test_nothing_is_added_that_the_sender_has_left_out(way: Way) -> None:
    content = b"DKIM-Signature: v=1; h=from:date:message-id\r\nFrom: a@example.org\r\nMessage-ID: <>\r\n\r\nx\r\n"
    assert way.send("bare@example.net", content).startswith("250")
    assert way.arrived("bare@example.net") == content


@attack(Kind.CONTENT, right="552", source="RFC 1870 6.1")
def test_a_message_that_is_announced_as_too_large_is_refused_at_once(way: Way) -> None:
    with way.client() as session:
        session.socket.sendall(b"MAIL FROM:<a@example.net> SIZE=%d\r\n" % (MAX_MESSAGE + 1))
        assert session.reply().startswith("552")
        assert session.send("again@example.net", way.recipient, b"x\r\n").startswith("250")


@pytest.mark.parametrize("more", [0, 1])
@attack(Kind.CONTENT, right="552 5.3.4 beyond it", source="Postfix header_size_limit")
def test_a_header_may_be_as_large_as_its_limit_and_no_larger(way: Way, more: int) -> None:
    lines = b"X: " + b"h" * (MAX_HEADER // 2) + b"\r\n", b"Y: "
    room = MAX_HEADER - len(lines[0]) - len(lines[1]) - len(b"\r\n\r\n")
    if way.received:
        room -= 300  # what haraka-in has put in front counts; its length varies
    content = lines[0] + lines[1] + b"h" * (room + more * 301) + b"\r\n\r\nbody\r\n"
    sender = f"header{more}@example.net"
    with way.client() as session:
        reply = session.send(sender, way.recipient, content)
        if more:
            assert reply.startswith("552 5.3.4")
            assert session.send("next@example.net", way.recipient, b"x: y\r\n").startswith("250"), "the session goes on"
            way.arrived("next@example.net")
            assert way.behind.sent_by(sender) == []
        else:
            assert reply.startswith("250")
            assert way.arrived(sender) == content


@attack(Kind.CONTENT, right="250, every byte", source="RFC 5321 6.4; Postfix header_size_limit cuts")
def test_mailcow_cuts_no_field_that_haraka_in_takes(stand: Stand, plan: Plan) -> None:
    """Postfix's own limit of 102,400 bytes a field cuts it, with a 250."""
    field = b"X-Long: " + b",\r\n ".join(b"user%06d@example.com" % number for number in range(40_000)) + b"\r\n"
    content = field + b"Subject: after it\r\n"
    extra = files(plan)["data/conf/postfix/extra.cf"]
    limits = "".join(line + "\n" for line in extra.splitlines() if line.startswith("header_size_limit"))
    with stands.postfix(stand, extra=limits + stands.TRUSTING) as mailcow, before(stand, mailcow.port) as server:
        with Client(server.port, "127.0.0.5") as session:
            assert session.send("carol@example.net", "bob@example.org", content).startswith("250")
        assert content.replace(b"\r\n", b"\n") in mailcow.arrived("bob")[0]


@attack(Kind.PIPELINING, right="354 250, every byte", source="RFC 2920 3.1")
def test_a_client_that_does_not_wait_for_the_go_ahead_loses_nothing(way: Way) -> None:
    content = b"Subject: early\r\n\r\n" + b"x" * 5000 + b"\r\n.y\r\n"
    with way.client() as session:
        session.socket.sendall(
            b"MAIL FROM:<early@example.net>\r\nRCPT TO:<%s>\r\nDATA\r\n" % way.recipient.encode() + on_the_wire(content)
        )
        assert [session.reply()[:3] for _ in range(4)] == ["250", "250", "354", "250"]
    assert way.arrived("early@example.net") == content
