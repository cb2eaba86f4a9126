"""A mail of the doctor's own, by hand of Mailcow's programs: hand it over, ask what became of it, find one that came.

Beside what other questions only ask, `send` does something: it puts a mail into Postfix' queue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import main as asking
from .here import Here
from .home import container
from .main import Question

DELIVERED = re.compile(r"delivered file=.*?\bdomain=\"?(?P<domain>[^\s\"]+).*?\bresponse=\"?(?P<said>.*?)\"? delay=")


def send(here: Here, told: Any) -> Any:
    """Give a mail to Postfix, which has rspamd sign it; no login and no password is needed on the machine itself."""
    postfix = container(here, told["project"], told["service"])
    words = ("sendmail", "-C", told["config"], "-i", "-f", told["sender"], "--", told["to"])
    here.ask("docker", "exec", "-i", postfix, *words, stdin=told["message"].encode())
    return here.now()


def fate(here: Here, told: Any) -> Any:
    """What the receiver's server said to haraka-out since a moment, and what haraka-out says of that address."""
    since = f"--since=@{int(told['since'])}"
    journal = ("journalctl", f"--unit={told['unit']}", since, "--output=cat", "--quiet", "--no-pager")
    taken, problem = "", ""
    for line in here.ask(*journal).splitlines():
        found = DELIVERED.search(line)
        if found and found["domain"].lower() == told["domain"].lower():
            taken = found["said"][:200]
        elif f"<{told['to']}>" in line and re.search(r"deferred|failed", line):
            problem = line.strip()[-200:]
    return {"taken": taken, "problem": problem}


def fetch(here: Here, told: Any) -> Any:
    """A mail in a mailbox that has this text somewhere, the first of them; "" where there is none."""
    dovecot = container(here, told["project"], told["service"])
    words = ("-f", "pager", "fetch", "-u", told["mailbox"], "text", "mailbox", told["folder"], "text", told["token"])
    said = here.run("docker", "exec", dovecot, "doveadm", *words)
    found = [text.strip("\f\n") for text in re.split(r"(?m)^text:[ \n]", said.out)]
    return next((text for text in found if told["token"] in text), "")


QUESTIONS: Mapping[str, Question] = {"send": send, "fate": fate, "fetch": fetch}


def main(text: str) -> None:
    """As for other questions."""
    asking.main(text, QUESTIONS)
