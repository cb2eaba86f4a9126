"""Bounces are in the form of RFC 3464 (and 6522), haraka-out's like Postfix's."""

from __future__ import annotations

import email
import email.message
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from attrs import evolve

import rig as stands
from mailnix.services.haraka.values import Patience
from rig import Stand, senders
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

REFUSED = {"RCPT": "550 5.1.1 no such user"}


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


def parts_of(bounce: bytes) -> tuple[email.message.Message, ...]:
    """Its text, its fields (a message for each block), and what comes back of the original."""
    report = email.message_from_bytes(bounce)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["MIME-Version"] == "1.0"
    assert report["Auto-Submitted"] == "auto-replied"
    parts = report.get_payload()
    assert isinstance(parts, list)
    kinds = [part.get_content_type() for part in parts if isinstance(part, email.message.Message)]
    assert kinds[:2] == ["text/plain", "message/delivery-status"]
    assert kinds[2:] in (["text/rfc822-headers"], ["message/rfc822"])
    return tuple(part for part in parts if isinstance(part, email.message.Message))


def check_form(bounce: bytes) -> tuple[email.message.Message, email.message.Message]:
    """Raise unless it is as RFC 3464 2 wants it; returns what is said of the message and of its one recipient."""
    _, status, _ = parts_of(bounce)
    blocks = status.get_payload()
    assert isinstance(blocks, list)
    about_message, about_recipient = blocks
    assert isinstance(about_message, email.message.Message)
    assert isinstance(about_recipient, email.message.Message)
    assert re.fullmatch(r"dns; [a-z0-9.-]+", about_message["Reporting-MTA"])
    assert "Original-Envelope-Id" not in about_message  # only what the sender gave with ENVID
    assert about_recipient["Final-Recipient"].lower() == "rfc822; dave@example.net"
    assert about_recipient["Action"] == "failed"
    assert re.fullmatch(r"[45]\.\d{1,3}\.\d{1,3}", about_recipient["Status"])
    assert re.match(r"[A-Za-z0-9-]+; ", about_recipient["Diagnostic-Code"])
    if "Remote-MTA" in about_recipient:
        assert re.fullmatch(r"dns; \S+", about_recipient["Remote-MTA"])
    return about_message, about_recipient


@pytest.mark.parametrize("server", ["haraka-out", "Postfix"])
def test_a_refused_recipient_comes_back_with_the_words_of_who_refused(stand: Stand, server: str) -> None:
    start = senders.haraka_out if server == "haraka-out" else senders.postfix_out
    with ExitStack() as stack, senders.sinks({"replies": REFUSED}, {}) as (world, home):
        sender = start(stack, stand, {"example.net": [world], "example.org": [home]})
        sender.send()
        stands.until(lambda: bool(home.messages), "the bounce")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert next(line for line in home.commands if line.startswith("MAIL")).startswith("MAIL FROM:<>")
    (bounce,) = home.messages
    _, recipient = check_form(bounce)
    assert recipient["Status"] == "5.1.1"
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    assert re.fullmatch(r"dns; \[?127\.0\.0\.1\]?", recipient["Remote-MTA"])
    text, _, original = parts_of(bounce)
    assert "dave@example.net" in str(text.get_payload())
    assert "Subject: hello" in str(original)


def test_a_mail_that_was_tried_for_long_enough_comes_back(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": {"RCPT": "450 4.2.2 full"}}, {}) as (world, home):
        routes = {"example.net": [world], "example.org": [home]}
        senders.haraka_out(stack, stand, routes, retries="5s").send()
        stands.until(lambda: bool(home.messages), "the bounce")
    _, recipient = check_form(home.messages[0])
    assert recipient["Status"] == "4.2.2"
    assert world.commands.count("RCPT TO:<dave@example.net>") == 2


def test_what_no_server_said_is_not_said_to_be_a_servers(stand: Stand) -> None:
    mute = {"replies": {"": stands.MUTE}}
    patience = evolve(Patience(), greeting=1, dead_first=1)
    with ExitStack() as stack, senders.sinks(mute, {}) as (world, home):
        routes = {"example.net": [world], "example.org": [home]}
        senders.haraka_out(stack, stand, routes, patience, retries="5s").send()
        stands.until(lambda: bool(home.messages), "the bounce")
    _, recipient = check_form(home.messages[0])
    assert "Remote-MTA" not in recipient
    assert recipient["Status"] == "4.4.1"
    assert not recipient["Diagnostic-Code"].startswith("smtp")


@attack(Kind.INJECTION, right="no part more", source="RFC 2046 5.1.2; RFC 3462")
def test_nothing_in_the_original_can_pretend_to_be_part_of_the_report(stand: Stand) -> None:
    words = b"Subject: x\r\nX-A: \xe4\r\n--report_\r\n..\r\n"
    with ExitStack() as stack, senders.sinks({"replies": REFUSED}, {}) as (world, home):
        routes = {"example.net": [world], "example.org": [home]}
        senders.haraka_out(stack, stand, routes).send(message=words + senders.MESSAGE)
        stands.until(lambda: bool(home.messages), "the bounce")
    check_form(home.messages[0])


@attack(Kind.RECEIVER, right="no bounce of a bounce", source="RFC 5321 4.5.5, 6.1")
def test_a_bounce_that_bounces_is_dropped(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": REFUSED}, {"replies": REFUSED}) as (world, home):
        sender = senders.haraka_out(stack, stand, {"example.net": [world], "example.org": [home]})
        sender.send()
        stands.until(lambda: "RCPT TO:<alice@example.org>" in home.commands, "the bounce is refused")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
        assert sender.haraka is not None
        assert "a bounce cannot be delivered and is dropped" in sender.haraka.log
