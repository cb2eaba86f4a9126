"""What a lab tells while it runs, and how to look around in one that was kept."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.cli import output

if TYPE_CHECKING:
    from mailnix.lab.scenario import Outcome
    from mailnix.plan import Plan


def on_outcome(outcome: Outcome) -> None:
    """One check's result, as it comes."""
    passed = outcome.verdict == "pass"
    word = output.styled(outcome.verdict, sys.stderr, fg="green" if passed else "red")
    output.status(f"{word}: {outcome.title}" + ("" if passed else f"\n    {outcome.evidence}"))


def advice(plan: Plan, state_dir: Path) -> str:
    """What to do with machines that were left running."""
    from mailnix.lab.internet.layout import INTERNET, layout
    from mailnix.lab.internet.mail import CA, CAROL

    sender = layout(plan).mailbox(CAROL)
    receiver = next((f"{m.local_part}@{d.name}" for d in plan.topology.domains for m in d.mailboxes), "")
    page = f"https://{plan.topology.hostname}/"
    fetch = (
        f"import ssl, urllib.request as u; "
        f"print(u.urlopen({page!r}, context=ssl.create_default_context(cafile={CA!r})).read().decode())"
    )
    shell = f"mailnix lab shell --state-dir {shlex.quote(str(state_dir))}"
    return "\n".join(
        (
            "the machines are running; a shell on each:",
            *(f"  {shell} {name}" for name in (*(host.name for host in plan.hosts), INTERNET)),
            "send a mail from outside:",
            f"  {shell} {INTERNET} -- {shlex.quote(f'echo hello | sendmail -f {sender} {receiver}')}",
            "see the web page from outside:",
            f"  {shell} {INTERNET} -- {shlex.quote(f'python3 -c {shlex.quote(fetch)}')}",
            "switch everything off:",
            f"  mailnix lab stop --state-dir {shlex.quote(str(state_dir))}",
        )
    )
