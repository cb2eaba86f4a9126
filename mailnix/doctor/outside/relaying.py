"""How strangers try to send mail through a server to somebody else, and what may be made of its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mailnix.doctor.here import Replies
from mailnix.model import ports
from mailnix.plan import Plan

STRANGER = "doctor@sender.invalid"
VICTIM = "victim@receiver.invalid"
"""Names that nobody can have (RFC 6761 6.4): what is relayed by mistake goes nowhere."""
DENIED = "relay access denied"
"""Postfix' words (its smtpd_check.c), whatever number it says before them; greylisting has others."""
NOBODY = ""
"""The sender of a bounce. Mailcow, which looks at what seems to be for one of its domains, would tell a sender whose
domain it cannot find to come again (450), and say nothing of the recipient."""


def attempts(plan: Plan, port: int) -> Mapping[str, tuple[str, str]]:
    """MAIL and RCPT of each, by what is tried at a port.

    Where people log in it is one only: Mailcow's Postfix ends a session at the fifth error (smtpd_hard_error_limit).
    """
    domain = plan.domain_names[0]
    if port != ports.SMTP:
        return {"without a login": _lines(f"postmaster@{domain}", VICTIM)}
    tricks = {
        "to a stranger": (STRANGER, VICTIM),
        "as a bounce": (NOBODY, VICTIM),
        "as somebody of yours": (f"postmaster@{domain}", VICTIM),
        "by a source route": (STRANGER, f"@{domain}:{VICTIM}"),
        "by a bang path": (NOBODY, f"receiver.invalid!victim@{domain}"),
    }
    whole = {domain.name: domain.catch_all for domain in plan.topology.domains}
    if not whole[domain]:  # which takes everything before its own @, whatever it looks like
        tricks["by a percent sign"] = (NOBODY, f"{VICTIM.replace('@', '%')}@{domain}")
        tricks["by quotes"] = (NOBODY, f'"{VICTIM}"@{domain}')
    else:
        del tricks["by a bang path"]
    return {what: _lines(sender, to) for what, (sender, to) in tricks.items()}


def _lines(sender: str, to: str) -> tuple[str, str]:
    return f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"


def lines(tried: Mapping[str, tuple[str, str]]) -> Sequence[str]:
    """All attempts in one session."""
    return [*(line for pair in tried.values() for line in (*pair, "RSET")), "QUIT"]


def answers(tried: Mapping[str, tuple[str, str]], heard: Replies) -> Iterator[tuple[str, str]]:
    """The answer to each attempt's RCPT, or to its MAIL where that was refused; "" where none came."""
    for number, what in enumerate(tried):
        mail, rcpt = (_nth(heard, number * 3 + step) for step in (0, 1))
        yield what, rcpt if mail.startswith("2") else mail


def _nth(heard: Replies, number: int) -> str:
    return heard.answers[number] if number < len(heard.answers) else ""


def denies(answer: str) -> bool:
    """Whether it lets nobody relay: for good, or as Mailcow's Postfix does by 450 (defer_unauth_destination)."""
    return answer.startswith("5") or (answer.startswith("4") and DENIED in answer.lower())
