"""Commands in the wrong order, and more of them at once than anybody asked for."""

from __future__ import annotations

import pytest

from rig import Haraka, Postfix, Sink
from tests.attacks.dialogue import (
    BODY,
    DATA,
    DOT,
    EHLO,
    ENVELOPE,
    FOREIGN,
    MAIL,
    RCPT,
    TO_DATA,
    Dialogue,
    params,
    play,
    taken_by_postfix,
    unsafe,
)
from tests.attacks.marks import Kind

ORDER = "RFC 5321 4.1.4: 503"
GROUPS = "RFC 2920 3.1"
SIZE = "RFC 1870 6.1"
PARAMETER = "RFC 5321 4.1.1.11: 555"
RSET = b"RSET\r\n"
UNTOLD = "4xx or 5xx or hangs up"

OUT_OF_ORDER = (
    Dialogue("MAIL before EHLO", (MAIL,), "5xx", "RFC 5321 4.1.1.1", postfix="250"),  # smtpd_helo_required = no
    Dialogue("RCPT before EHLO", (RCPT,), "5xx", ORDER),
    Dialogue("RCPT before MAIL", (EHLO, RCPT), "5xx", ORDER),
    Dialogue("DATA before EHLO", (DATA,), "5xx", ORDER),
    Dialogue("DATA before MAIL", (EHLO, DATA), "5xx", ORDER),
    Dialogue("DATA before RCPT", (EHLO, MAIL, DATA), "5xx", "RFC 5321 3.3: 503 or 554"),
    Dialogue("DATA after refused recipients only", (EHLO, MAIL, FOREIGN, DATA), "5xx", "RFC 5321 3.3: 503 or 554"),
    Dialogue("DATA after RSET", (*ENVELOPE, RSET, DATA), "5xx", "RFC 5321 4.1.1.5"),
    Dialogue("RCPT after RSET", (*ENVELOPE, RSET, RCPT), "5xx", "RFC 5321 4.1.1.5"),
    Dialogue("DATA after a second EHLO", (*ENVELOPE, EHLO, DATA), "5xx", "RFC 5321 4.1.4: as RSET"),
    Dialogue("DATA after HELO", (*ENVELOPE, b"HELO probe.example.net\r\n", DATA), "5xx", "RFC 5321 4.1.4: as RSET"),
    Dialogue("MAIL within a mail", (*ENVELOPE, MAIL), "5xx", "RFC 5321 4.1.4: 503"),
    Dialogue("second message without a second envelope", (*TO_DATA, BODY + DOT, DATA), "5xx", ORDER, accepted=1),
    Dialogue("recipient of the message before", (*TO_DATA, BODY + DOT, RCPT), "5xx", ORDER, accepted=1),
    Dialogue("dot as a command", (EHLO, DOT), "5xx", "RFC 5321 4.2.4", postfix="221 or 5xx"),
    Dialogue("empty line as a command", (EHLO, b"\r\n"), "5xx", "RFC 5321 4.2.4", postfix="5xx"),
    Dialogue("argument of DATA", (*ENVELOPE, b"DATA now\r\n"), "5xx", "RFC 5321 4.1.1.4, 4.2.4"),
    Dialogue("argument of STARTTLS", (EHLO, b"STARTTLS now\r\n"), "5xx", "RFC 3207 4: 501"),
    Dialogue("SIZE beyond the limit", (EHLO, MAIL[:-2] + b" SIZE=104857601\r\n"), "5xx", SIZE),
    Dialogue("SIZE of 2^64 bytes", (EHLO, MAIL[:-2] + b" SIZE=18446744073709551616\r\n"), "5xx", SIZE),
    Dialogue("SIZE that is no number", (EHLO, MAIL[:-2] + b" SIZE=x\r\n"), "5xx", "RFC 1870 6.1: 501"),
    Dialogue("SIZE below zero", (EHLO, MAIL[:-2] + b" SIZE=-1\r\n"), "5xx", "RFC 1870 6.1: 501"),
    Dialogue("unknown parameter of MAIL", (EHLO, MAIL[:-2] + b" X=1\r\n"), "5xx", PARAMETER),
    Dialogue("SMTPUTF8, which is not offered", (EHLO, MAIL[:-2] + b" SMTPUTF8\r\n"), "5xx", PARAMETER, postfix="250"),
    Dialogue("BODY=BINARYMIME", (EHLO, MAIL[:-2] + b" BODY=BINARYMIME\r\n"), "5xx", "RFC 3030 3: needs CHUNKING"),
    Dialogue("unknown parameter of RCPT", (EHLO, MAIL, RCPT[:-2] + b" X=1\r\n"), "5xx", PARAMETER),
)
NEXT_MAIL = MAIL + RCPT + DATA
AT_ONCE = (
    Dialogue("as it is allowed", (EHLO, NEXT_MAIL, b"", b"", BODY + DOT), "250", GROUPS, accepted=1),
    Dialogue("MAIL behind the final dot", (*TO_DATA, BODY + DOT + MAIL), "250", f"{GROUPS}; GHSA-rp4q-8m6x-c43c", 1),
    Dialogue(
        "message behind DATA", (*ENVELOPE, DATA + BODY + DOT), "354 or 250 or " + UNTOLD, f"{GROUPS}: not before 354", 1
    ),
    Dialogue("two messages at once", (*TO_DATA, (BODY + DOT + NEXT_MAIL) + BODY + DOT), "250 or " + UNTOLD, GROUPS, 2),
    Dialogue("QUIT behind the final dot", (*TO_DATA, BODY + DOT + b"QUIT\r\n"), "250", GROUPS, accepted=1),
    Dialogue(
        "commands behind EHLO", (EHLO + MAIL + FOREIGN,), "250 or " + UNTOLD, f"{GROUPS}: EHLO is the last of its group"
    ),
    Dialogue("DATA behind refused recipients", (EHLO, MAIL + FOREIGN + DATA), "250", GROUPS),
    Dialogue("message behind a refused DATA", (EHLO, MAIL, FOREIGN, DATA + MAIL + FOREIGN), "5xx", "RFC 2920 3.1, 3.2"),
)


@pytest.mark.parametrize("dialogue", params(Kind.PIPELINING, (*OUT_OF_ORDER, *AT_ONCE)))
def test_nothing_is_taken_out_of_its_turn(proxy: Haraka, backend: Sink, postfix: Postfix, dialogue: Dialogue) -> None:
    messages, commands = len(backend.messages), len(backend.commands)
    heard = play(proxy.port, dialogue.steps)
    assert heard.is_any_of(dialogue.right), heard
    assert len(backend.messages) - messages <= dialogue.accepted
    assert unsafe(backend.commands[commands:]) == []
    alone = play(postfix.port, dialogue.steps)
    assert alone.is_any_of(dialogue.right_of_postfix), alone
    assert taken_by_postfix(alone) <= dialogue.accepted
