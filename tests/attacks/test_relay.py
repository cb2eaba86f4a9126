"""Recipients written so that a lax parser sends them on: none but this server's own may be taken."""

from __future__ import annotations

import pytest

from rig import Haraka, Postfix
from tests.attacks.dialogue import EHLO, LIKEWISE, MAIL, Dialogue, escaped, params, play
from tests.attacks.marks import Kind

OPEN_RELAY = "RFC 5321 7.1, 3.6.2; Postfix reject_unauth_destination"
SYNTAX = "RFC 5321 4.1.2"
ROUTES = "RFC 5321 4.1.1.3, C: source routes"
PERCENT = "RFC 5321 3.6.1; Postfix allow_percent_hack, swap_bangpath"
CRUCIAL_OCTET = "U+010A is a line feed when cut to a byte (CVE-2023-51766's kind)"


def to(form: str, right: str, source: str, postfix: str = LIKEWISE) -> Dialogue:
    """A recipient in a mail from a stranger."""
    line = f"RCPT TO:{form}\r\n".encode()
    return Dialogue(escaped(form), (EHLO, MAIL, line), right, source, postfix=postfix)


OWN = (
    to("<alice@example.org>", "250", SYNTAX),
    to("<ALICE@EXAMPLE.ORG>", "250", "RFC 5321 2.4: domains have no case"),
    to('<"alice"@example.org>', "250", SYNTAX),
    to('<"al\\ice"@example.org>', "250 or 5xx", SYNTAX),
    to("<@example.com:alice@example.org>", "250 or 5xx", ROUTES),
    to("<alice@example.org.>", "250 or 5xx", SYNTAX),
    to("< alice@example.org >", "250 or 5xx", SYNTAX),
    to("alice@example.org", "250 or 5xx", SYNTAX),
    to("<alice@example.org> SIZE=1", "5xx", "RFC 5321 4.1.1.11: no such parameter of RCPT"),
    to("<alice@example.org> NOTIFY=NEVER ORCPT=rfc822;x@example.com", "5xx", "RFC 3461 4, not offered", "250"),
)
# What Postfix takes all the same: it skips comments and blanks of RFC 822, and the literal is its own address.
LENIENT = ("<x@[127.0.0.1]>", "<alice @example.org>", "<(c)alice@example.org>", "<alice@(c)example.org>")
FOREIGN = tuple(
    to(form, "5xx", source, "250" if form in LENIENT else LIKEWISE)
    for source, forms in (
        (
            OPEN_RELAY,
            (
                "<x@example.com>",
                "<x@sub.example.org>",
                "<x@example.org.example.com>",
                "<x@xexample.org>",
                "<x@mail.internal.example>",
                "<x@localhost>",
                "<x@[203.0.113.10]>",
                "<x@[127.0.0.1]>",
                "<x@[10.83.119.2]>",
                "<x@[IPv6:::1]>",
                "<postmaster@[203.0.113.10]>",
                "<x>",
                "<nobody@example.org>",
            ),
        ),
        (
            PERCENT,
            (
                "<x%example.com@example.org>",
                "<example.com!x@example.org>",
                "<x%example.com>",
                "<example.com!x>",
                "<x%example.com%example.net@example.org>",
                '<"x@example.com"@example.org>',
                '<"x%example.com"@example.org>',
                '<"x@example.com">',
            ),
        ),
        (
            ROUTES,
            (
                "<@example.org:x@example.com>",
                "<@example.org,@example.net:x@example.com>",
                "<x@example.com:alice@example.org>",
            ),
        ),
        (
            SYNTAX,
            (
                "<x@>",
                "<@example.org>",
                "<>",
                "<x@example.com@example.org>",
                "<alice@example.org@example.com>",
                "<x@example.com,example.org>",
                "<alice@example.org> <x@example.com>",
                "<alice@example.org>,<x@example.com>",
                "<alice@example.org",
                "<alice @example.org>",
                '<"a b"@example.org>',
                "<(c)alice@example.org>",
                "<alice@(c)example.org>",
                "<alice@example.org\0.example.com>",
                "<alice\0@example.org>",
                "<alice@ex\xe4mple.org>",
                "<ali\xe9ce@example.org>",
                '<"ali\rce"@example.org>',
                "<|/bin/sh@example.org>",
                "<-oQ/tmp@example.org>",
                "</etc/passwd@example.org>",
                "<../../x@example.org>",
            ),
        ),
        (CRUCIAL_OCTET, ("<alice@\u010aexample.org>", '<"x\u010aRCPT TO:<y@example.com>"@example.org>')),
    )
    for form in forms
)


@pytest.mark.parametrize("dialogue", params(Kind.RELAY, (*OWN, *FOREIGN)))
def test_only_our_own_recipients_are_taken(path: Haraka, postfix: Postfix, dialogue: Dialogue) -> None:
    heard = play(path.port, dialogue.steps)
    assert heard.is_any_of(dialogue.right), heard
    alone = play(postfix.port, dialogue.steps)
    assert alone.is_any_of(dialogue.right_of_postfix), alone
