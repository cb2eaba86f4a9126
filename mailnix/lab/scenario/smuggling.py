"""Sessions in bytes that no honest client sends: disguised recipients, and a mail that hides another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.offers import knows_strangers
from mailnix.lab.scenario.scene import Scene
from mailnix.model import ports

ENDINGS: Final = (
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\n\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\r\n.\r\r\n",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
)
"""What some servers take for the end of a mail; CRLF, dot, CRLF is the only one (RFC 5321 4.1.1.4)."""


def disguised_recipients_are_refused(scene: Scene) -> str:
    """Recipients elsewhere, written so that they look like ours to a lax reader, are refused.

    Mailcow's Postfix says 454 of some: `defer_unauth_destination` stands in the default of smtpd_relay_restrictions.
    """
    ours, theirs = knows_strangers(scene.plan)[0].partition("@")[2], scene.layout.domain
    forms = (
        f"<victim%{theirs}@{ours}>",
        f"<{theirs}!victim@{ours}>",
        f'<"victim@{theirs}"@{ours}>',
        f"<@{ours}:victim@{theirs}>",
        f"<victim@{theirs}@{ours}>",
    )
    for form, heard in zip(
        forms, _heard(scene, [[*_greeted(scene), f"RCPT TO:{form}\r\n"] for form in forms]), strict=True
    ):
        asked = len(heard) == 4 and all(answers and answers[0][:1] == "2" for answers in heard[:3])
        require(asked, f"nobody was asked, so {form} was not tried", heard)
        require(heard[3] and heard[3][0][:1] in "45", f"{form} was not refused", heard)
    return f"{len(forms)} forms refused"


def smuggled_mail_is_not_taken(scene: Scene) -> str:
    """A mail that goes on after something like an end of mail is one mail or none, never two."""
    sender, user = f"smuggler@{scene.layout.domain}", scene.user
    hidden = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{user}>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n"
    head = f"From: {sender}\r\nSubject: carrier\r\n\r\ncarrier"
    start = [*_greeted(scene), f"RCPT TO:<{user}>\r\n", "DATA\r\n"]
    codes: dict[str, None] = {}
    for ending, heard in zip(ENDINGS, _heard(scene, [[*start, head + end + hidden] for end in ENDINGS]), strict=True):
        require(len(heard) > 5 and heard[4][0][:3] == "354", f"{ending!r} was not tried", heard)
        answers = heard[5]
        taken = [answer for answer in answers if answer[:3] in ("250", "354")]
        require(len(taken) <= 1, f"{ending!r} makes two mails of one", heard)
        codes.update(dict.fromkeys(code_of(answer) for answer in answers[:1]))
    return f"{len(ENDINGS)} endings: {', '.join(codes) or 'hung up'}"


def _greeted(scene: Scene) -> list[str]:
    return [f"EHLO {scene.layout.attacker.name}\r\n", f"MAIL FROM:<smuggler@{scene.layout.domain}>\r\n"]


def _heard(scene: Scene, sessions: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    steps = [json.dumps(session) for session in sessions]
    return scene.sessions(scene.layout.attacker.ipv4, host=scene.proxy.ipv4, port=ports.SMTP, steps=steps)
