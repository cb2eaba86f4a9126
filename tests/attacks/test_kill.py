"""kill -9 in each state of a mail: what was answered 250 arrives, what was not the sender still has."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

import rig as stands
from rig import Sink, Stand, senders
from tests.attacks.dialogue import BODY, DATA, DOT, EHLO, ENVELOPE, play
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import XCLIENT, Raw, haraka_in

THINKS = 3.0  # seconds that the next server thinks about a message
HOURS = "RFC 5321 6.1, 4.2.5"


@attack(Kind.KILL, right="no 250 and nothing arrives, or 250 and it does; then all goes on", source=HOURS)
@pytest.mark.parametrize("moment", ["RCPT", "354", "amid the message", "after 250"])
def test_haraka_in_is_killed(stand: Stand, moment: str) -> None:
    steps = {
        "RCPT": ENVELOPE,
        "354": (*ENVELOPE, DATA),
        "amid the message": (*ENVELOPE, DATA),
        "after 250": (*ENVELOPE, DATA, BODY + DOT),
    }[moment]
    with stands.sink(replies={**XCLIENT}) as mailcow, haraka_in(stand, mailcow.port) as server:
        with Raw.to(server) as session:
            for step in steps:
                assert session.say(step)[:1] in "23"
            if moment == "amid the message":
                session.send(BODY * 10_000)
            server.kill()
            assert session.reply() == ""
        assert len(mailcow.messages) == (moment == "after 250")
        server.start()
        assert play(server.port, (*ENVELOPE, DATA, BODY + DOT)).answer[:3] == "250"
        assert len(mailcow.messages) == (moment == "after 250") + 1


@attack(Kind.KILL, right="no 250; once, or twice when the sender sends it again", source="RFC 1047; RFC 5321 6.1")
def test_haraka_in_is_killed_while_mailcow_thinks_about_a_message(stand: Stand) -> None:
    with stands.sink(replies={**XCLIENT}, dot_seconds=THINKS) as mailcow, haraka_in(stand, mailcow.port) as server:
        with Raw.to(server) as session:
            session.in_data().send(BODY + DOT)
            stands.until(lambda: bool(mailcow.messages), "Mailcow has the message")
            server.kill()
            assert session.reply() == ""
        assert len(mailcow.messages) == 1


@attack(Kind.KILL, right="nothing is queued, nothing arrives", source=HOURS)
@pytest.mark.parametrize("moment", ["RCPT", "354", "amid the message"])
def test_haraka_out_is_killed_before_its_250(stand: Stand, moment: str) -> None:
    with ExitStack() as stack:
        world = stack.enter_context(stands.sink())
        sender = senders.haraka_out(stack, stand, {"example.net": [world]})
        assert sender.haraka is not None
        with Raw.to(sender.haraka, sender.source) as session:
            steps = [EHLO, b"MAIL FROM:<alice@example.org>\r\n", b"RCPT TO:<dave@example.net>\r\n", DATA]
            for step in steps[: 3 if moment == "RCPT" else 4]:
                assert session.say(step)[:1] in "23"
            if moment == "amid the message":
                session.send(BODY * 10_000)
            sender.haraka.kill()
            assert session.reply() == ""
        sender.haraka.start()
        assert sender.queued() == 0
        sender.send()
        stands.until(lambda: bool(world.messages), "the next mail leaves")
        assert len(world.messages) == 1


@attack(Kind.KILL, right="delivered, a second time at most", source="RFC 1047; RFC 5321 6.1")
@pytest.mark.parametrize("moment", ["MAIL", "DATA", "final dot"])
def test_haraka_out_is_killed_while_it_delivers(stand: Stand, moment: str) -> None:
    with ExitStack() as stack:
        replies = {} if moment == "final dot" else {moment: stands.MUTE}
        world = stack.enter_context(stands.sink(replies=replies, dot_seconds=THINKS))
        sender = senders.haraka_out(stack, stand, {"example.net": [world]})
        assert sender.haraka is not None
        sender.send()
        stands.until(lambda: reached(world, moment), f"the delivery is at {moment}")
        sender.haraka.kill()
        world.replies.clear()
        world.dot_seconds = 0
        before = len(world.messages)
        sender.haraka.start()
        stands.until(lambda: len(world.messages) > before, "the mail arrives")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
        assert len(world.messages) - before == 1


def reached(world: Sink, moment: str) -> bool:
    if moment == "final dot":
        return bool(world.messages)
    return any(line.startswith(moment) for line in world.commands)
