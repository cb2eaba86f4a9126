"""What is not offered is refused: parameters of MAIL and RCPT (RFC 5321 4.1.1.11), addresses beyond ASCII."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import rig as stands
from rig import senders
from rig.senders import Sender

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

OURS = "MAIL FROM:<alice@example.org>"
ANSWERS = {
    OURS: 250,
    f"{OURS} SIZE=1000": 250,
    f"{OURS} BODY=8BITMIME": 250,
    f"{OURS} body=7bit size=0": 250,
    f"{OURS} BODY=BINARYMIME": 555,
    f"{OURS} SMTPUTF8": 555,
    f"{OURS} RET=FULL": 555,
    f"{OURS} ENVID=x": 555,
    f"{OURS} SIZE=1000 MT-PRIORITY=3": 555,
    f"{OURS} SIZE=much": 501,
    "MAIL FROM:<ä@example.org>": 553,
    "RCPT TO:<dave@example.net>": 250,
    "RCPT TO:<dave@example.net> NOTIFY=NEVER": 555,
    "RCPT TO:<dave@example.net> ORCPT=rfc822;dave@example.net": 555,
    "RCPT TO:<dävid@example.net>": 553,
}


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    with stands.stand() as stand, ExitStack() as stack:
        yield senders.haraka_out(stack, stand, {})


@pytest.mark.parametrize("command", ANSWERS)
def test_parameters_that_are_not_offered_are_refused(sender: Sender, command: str) -> None:
    with smtplib.SMTP("127.0.0.1", sender.port, "mailcow", source_address=(sender.source, 0)) as session:
        session.command_encoding = "utf-8"
        session.ehlo()
        if command.startswith("RCPT"):
            session.docmd(OURS)
        assert session.docmd(command)[0] == ANSWERS[command]
        assert session.rset()[0] == 250


def test_no_extension_is_offered_that_is_not_kept(sender: Sender) -> None:
    with smtplib.SMTP("127.0.0.1", sender.port, "mailcow", source_address=(sender.source, 0)) as session:
        session.ehlo()
        assert set(session.esmtp_features) == {"pipelining", "8bitmime", "size", "starttls"}
