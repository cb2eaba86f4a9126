"""Does mail wait too long?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.machines.asked import LATE
from mailnix.doctor.machines.facts import Queue
from mailnix.doctor.machines.seen import HOME, PROXY, Asking, Seen, days
from mailnix.doctor.values import Answer, Severity, Verdict

MANY: Final = 20
"""Late mails in a proxy's queue. A receiver that is away keeps a few; so many are one's own fault."""

GIVEN_UP: Final = 6 * 86400.0
"""Seconds. haraka-out tries for five days (RETRIES), then tells the sender: what is older is not tried any more."""


def at_proxy(seen: Seen, said: Queue) -> Iterator[Verdict]:
    """Nothing is stuck: a few late mails are their receivers' doing, many are not."""
    advice = seen.on("journalctl -u haraka-out | grep -i deferr")
    if said.oldest > GIVEN_UP:
        text = f"a mail waits for {days(said.oldest)}, and is given up after five days: nobody works at the queue"
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    elif said.late >= MANY:
        text = f"{said.late} mails wait for more than {days(LATE[PROXY])}, the oldest for {days(said.oldest)}"
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    else:
        yield seen.well(_counted(said))


def at_home(seen: Seen, said: Queue) -> Iterator[Verdict]:
    """Nothing waits: all that leaves is taken by a proxy at once, and what stays is delivered next door."""
    if said.late:
        why = f": {said.reasons[0]}" if said.reasons else ""
        text = f"{said.late} mails wait for more than {days(LATE[HOME])}, the oldest for {days(said.oldest)}{why}"
        advice = seen.on("docker exec $(docker ps -qf name=postfix-mailcow) postqueue -c /opt/postfix/conf -p")
        yield Verdict(seen.name, Answer.WRONG, text, advice)
    else:
        yield seen.well(_counted(said))


def _counted(said: Queue) -> str:
    return f"{said.count} mails wait, the oldest for {days(said.oldest)}" if said.count else "it is empty"


OF_PROXIES: Final = (Asking("queue", "No mail is stuck in its queue.", Severity.WARNING, "queue", at_proxy),)
OF_HOME: Final = (Asking("queue", "No mail waits in Mailcow's queue.", Severity.WARNING, "mailq", at_home),)
