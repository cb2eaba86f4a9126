"""haraka-out killed in each state: what was answered 250 arrives, twice only where a receiver had not yet answered."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import rig as stands
from rig import Haraka, Stand, senders

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


def attempts(server: Haraka) -> list[str]:
    """How often each mail in the queue was tried, which is the third thing that the file's name says."""
    return [path.name.split("_")[2] for path in senders.queue_of(server).iterdir()]


def test_nothing_that_was_taken_is_lost(stand: Stand) -> None:
    """One receiver thinks about its mail, one has deferred it, one has it; and a fourth mail is cut amid DATA."""
    thinks, defers = {"dot_seconds": 2}, {"replies": {"RCPT": "450 later"}}
    with ExitStack() as stack, senders.sinks(thinks, defers, {}) as worlds:
        routes = {f"d{n}.example": [world] for n, world in enumerate(worlds)}
        sender = senders.haraka_out(stack, stand, routes, retries="5s*20")
        assert sender.haraka is not None
        for domain in routes:
            sender.send(f"dave@{domain}")
        thinking, deferring, taking = worlds
        stands.until(lambda: bool(thinking.messages and taking.messages), "one is thought about, one has arrived")
        stands.until(lambda: "RCPT TO:<dave@d1.example>" in deferring.commands, "one is deferred")
        stands.until(lambda: sender.queued() == 2, "the one that arrived has left the queue")
        with smtplib.SMTP("127.0.0.1", sender.port, "mailcow", source_address=(sender.source, 0)) as session:
            session.ehlo()
            session.mail("alice@example.org")
            session.rcpt("dave@d2.example")
            session.putcmd("DATA")
            assert session.getreply()[0] == 354
            session.send(b"Subject: half\r\n\r\nhalf a line")
            sender.haraka.kill()
            session.close()
        deferring.replies = {}
        sender.haraka.start()
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert len(thinking.messages) in (1, 2)
    assert deferring.messages == taking.messages == [senders.MESSAGE]


def test_a_recipient_that_has_the_mail_does_not_get_it_again_after_a_kill(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": {"RCPT TO:<later": "450 later"}}) as (world,):
        sender = senders.haraka_out(stack, stand, {"example.net": [world]}, retries="5s*20")
        server = sender.haraka
        assert server is not None
        sender.send("good@example.net", "later@example.net")
        stands.until(lambda: attempts(server) == ["1"], "one has it, one is put off")
        server.kill()
        world.replies = {}
        server.start()
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert [line for line in world.commands if line.startswith("RCPT TO:<good")] == ["RCPT TO:<good@example.net>"]
    assert len(world.messages) == 2
