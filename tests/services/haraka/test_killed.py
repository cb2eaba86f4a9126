"""haraka-out killed in each state: what was answered 250 arrives, twice only where a receiver had not yet answered."""

from __future__ import annotations

import json
import smtplib
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from attrs import evolve

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
        patient = evolve(senders.QUICK, dot=30)  # much longer than one thinks, on a busy machine too
        sender = senders.haraka_out(stack, stand, routes, patient, retries="5s*20")
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


ENVELOPE = {
    "queue_time": 1_795_000_000_000,
    "domain": "example.net",
    "rcpt_to": [{"original": "<dave@example.net>", "host": "example.net", "user": "dave"}],
    "mail_from": {"original": "<alice@example.org>", "host": "example.org", "user": "alice"},
    "notes": {},
    "uuid": "0A1B2C3D.1",
}


def queue_file(header: object, message: bytes = b"Subject: queued\r\n\r\n") -> bytes:
    """As Haraka 3.3.4 writes it by itself: without marks."""
    text = f"\n{json.dumps(header)}\n".encode()
    return struct.pack(">I", len(text)) + text + message


DAMAGED = (
    b"",
    b"\0\0\0\2{",
    struct.pack(">I", 2**32 - 1) + b"{",
    queue_file(ENVELOPE)[:60],
    *(queue_file(header) for header in (None, {}, [1], *({**ENVELOPE, name: None} for name in ENVELOPE))),
    queue_file({**ENVELOPE, "rcpt_to": []}),
    queue_file({**ENVELOPE, "rcpt_to": [{}]}),
)
MAY_BE_MISSING = ("queue_time", "uuid")


def test_a_damaged_queue_file_is_set_aside_and_the_others_leave(stand: Stand) -> None:
    """Those beside it were written by a Haraka without our plugins."""
    whole = queue_file(ENVELOPE)
    with ExitStack() as stack, senders.sinks({}) as (world,):
        sender = senders.haraka_out(stack, stand, {"example.net": [world]})
        server = sender.haraka
        assert server is not None
        queue = senders.queue_of(server).resolve()
        server.kill()
        for number, content in enumerate((whole, *DAMAGED, whole)):
            (queue / f"1795000000000_1795000000000_0_1_AbCdEf_{number}_host").write_bytes(content)
        server.start()
        stands.until(lambda: sender.queued() == 0, "nothing waits")
        aside = len(list(senders.queue_of(server).glob("error.*")))
    assert aside == len(DAMAGED) - len(MAY_BE_MISSING)
    assert len(world.messages) == 2 + len(MAY_BE_MISSING)
