"""Messages of many megabytes cost either Haraka little memory, and nobody else anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

import rig as stands
from mailnix.services.haraka.units import MEMORY_HIGH
from mailnix.services.haraka.values import MAX_MESSAGE
from rig import Stand
from rig.senders import QUICK, haraka_out, sinks
from tests.attacks.marks import Kind, attack
from tests.services.haraka.recorder import Client
from tests.services.haraka.ways import LIMITS, Way, inward, outward

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture(params=[inward, outward], ids=["in", "out"])
def fresh(request: pytest.FixtureRequest, stand: Stand) -> Iterator[Way]:
    """A Haraka that has not been used yet."""
    with request.param(stand) as running:
        yield running


@pytest.mark.parametrize("size", [MAX_MESSAGE, MAX_MESSAGE + 1])
@attack(Kind.CONTENT, right="250 up to it, 552 beyond", source="RFC 1870 6.3; Postfix message_size_limit")
def test_a_message_may_be_as_large_as_the_limit_and_no_larger(fresh: Way, size: int) -> None:
    start, end = b"Subject: large\r\n\r\n", b"\r\nend\r\n"
    content = start + b"z" * (size - len(start) - len(end)) + end
    reply = fresh.send("large@example.net", content)
    if size > MAX_MESSAGE:
        assert reply.startswith("552 5.3.4")
        assert fresh.behind.count == 0
    else:
        assert reply.startswith("250")
        assert fresh.arrived("large@example.net") == content
    assert fresh.server.most_memory < MEMORY_HIGH


LINES = 98  # of 1 MB: below the limit of a message


@attack(Kind.FLOOD, right="552, memory below MemoryHigh", source="Postfix header_size_limit")
def test_headers_of_many_megabytes_are_refused_and_others_are_served_in_the_same_memory(fresh: Way) -> None:
    with fresh.client(number=1) as one, fresh.client(number=2) as other, fresh.client(number=3) as honest:
        for number, session in enumerate((one, other)):
            session.start(f"flood{number}@example.net", fresh.recipient)
        for number in range(LINES):
            for session in (one, other):
                session.socket.sendall(b"X-%d: " % number + b"h" * 1_000_000 + b"\r\n")
        assert honest.send("honest@example.net", fresh.recipient, b"From: x\r\n\r\nx\r\n").startswith("250")
        for session in (one, other):
            session.socket.sendall(b"\r\n.\r\n")
            assert session.reply().startswith("552 5.3.4")
    fresh.arrived("honest@example.net")
    assert fresh.behind.count == 1
    assert fresh.server.most_memory < MEMORY_HIGH


@attack(Kind.FLOOD, right="250, memory below MemoryHigh", source="RFC 2046 5.1.1: 70 characters")
def test_lines_like_boundaries_of_many_megabytes_do_no_harm_in_the_body_either(fresh: Way) -> None:
    content = b"Subject: x\r\n\r\n" + b"".join(b"--%d" % n + b"b" * 1_000_000 + b"\r\n" for n in range(LINES))
    with ThreadPoolExecutor(2) as pool:
        senders = ["one@example.net", "two@example.net"]
        replies = list(pool.map(lambda sender: fresh.send(sender, content), senders))
    assert [reply[:3] for reply in replies] == ["250", "250"]
    assert all(fresh.arrived(sender) == content for sender in senders)
    assert fresh.server.most_memory < MEMORY_HIGH


@attack(Kind.FLOOD, right="250, memory bounded", source="Postfix: messages are on disk")
def test_many_messages_at_once_hold_no_more_memory_than_a_few(fresh: Way) -> None:
    """Seventy sessions with as much as one message may have in memory, none of them ended."""
    part = b"Subject: x\r\n\r\n" + b"b" * (LIMITS.spool_after - 100)
    idle = fresh.server.most_memory
    number, sessions = 4, 18  # of the 80 that may be at Mailcow
    with contextlib.ExitStack() as stack:
        open_ = [
            stack.enter_context(fresh.client(number=address)) for address in range(number) for _ in range(sessions)
        ]
        for index, session in enumerate(open_):
            session.start(f"held{index}@example.net", fresh.recipient)
            session.socket.sendall(part)
        for session in open_:
            session.socket.sendall(b"\r\n.\r\n")
            assert session.reply().startswith("250")
    expected = part + b"\r\n"
    assert all(fresh.arrived(f"held{index}@example.net") == expected for index in range(len(open_)))
    assert fresh.server.most_memory - idle < 40, "at most 16 MiB for messages"


@attack(Kind.DISK, right="452", source="RFC 5321 4.2.2")
def test_a_full_disk_means_try_again_and_no_part_arrives(stand: Stand) -> None:
    large, small = b"b" * 1_000_000 + b"\r\n", b"x\r\n"
    with inward(stand, evolve(LIMITS, spool_dir=str(stand.folder / "nowhere"))) as way:
        with way.client() as session:
            assert session.send("full@example.net", way.recipient, large).startswith("452 4.3.1")
            assert session.send("small@example.net", way.recipient, small).startswith("250"), "this one needs no disk"
        way.arrived("small@example.net")
        assert way.behind.count == 1
        assert "the message cannot be kept" in way.server.log


LARGE = 60_000_000
ONE_LINE = b"X: y\r\ntext\r\n" + b"\xe9" * LARGE + b"\r\n"
ENDLESS = b"Content-Type: message/rfc822\r\n\r\n" + b"X: \xe9\r\n" * (LARGE // 7)


@pytest.mark.parametrize("content", [ONE_LINE, ENDLESS], ids=["one line", "a header in the body"])
@pytest.mark.parametrize("moment", ["refused", "converted"])
@attack(Kind.FLOOD, right="bounced, memory below MemoryHigh", source="Postfix bounce_size_limit")
def test_a_bounce_costs_little_however_the_mail_is_made(stand: Stand, moment: str, content: bytes) -> None:
    """Read line by line, the first for its header, the second for a server without 8BITMIME."""
    answers = {"RCPT": "550 5.1.1 no such user"} if moment == "refused" else {}
    with contextlib.ExitStack() as stack, sinks({"replies": answers}, {}) as (world, home):
        out = haraka_out(stack, stand, {"example.net": [world], "example.org": [home]})
        with Client(out.port, out.source) as session:
            assert session.send("alice@example.org", "dave@example.net", content).startswith("250")
        stands.until(lambda: bool(home.messages), "the bounce")
        assert out.haraka is not None
        assert out.haraka.most_memory < MEMORY_HIGH
    assert world.messages == []
    assert (b"Status: 5.1.1" if moment == "refused" else b"Status: 5.6.3") in home.messages[0]


WITHOUT_END = "\n".join(["250 " + "a" * 900] * 90_000)  # in one answer, 80 MB


@pytest.mark.parametrize("moment", ["between mails", "amid the message", "at the end"])
@attack(
    Kind.RECEIVER, right="memory below MemoryHigh, other mail leaves", source="RFC 5321 4.2: one reply for a command"
)
def test_a_receiver_that_talks_without_end_costs_little(stand: Stand, moment: str) -> None:
    """Each said more than haraka-out's heap holds, at a moment when nobody reads answers, and ended it."""
    settings: dict[str, dict[str, object]] = {
        "between mails": {"dot": WITHOUT_END},
        "amid the message": {"replies": {"DATA": f"354 go on\n{WITHOUT_END}"}},
        "at the end": {"replies": {"QUIT": WITHOUT_END}},
    }
    patience = evolve(QUICK, idle=0 if moment == "at the end" else 30, block=30)
    with contextlib.ExitStack() as stack, sinks(settings[moment], {}) as (talker, other):
        out = haraka_out(stack, stand, {"example.net": [talker], "example.com": [other]}, patience)
        assert out.haraka is not None
        out.send(message=b"Subject: large\r\n\r\n" + b"z" * 10_000_000 + b"\r\n")
        stands.until(lambda: talker.ended == 1, "the talker is done")
        out.send("carol@example.com")
        stands.until(lambda: bool(other.messages), "mail leaves")
        assert out.haraka.most_memory < MEMORY_HIGH
