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


def told(outcome: Outcome) -> None:
    """One check's result, as it comes."""
    passed = outcome.verdict == "pass"
    word = output.styled(outcome.verdict, sys.stderr, fg="green" if passed else "red")
    output.talk(f"{word}: {outcome.title}" + ("" if passed else f"\n    {outcome.evidence}"))


def advice(plan: Plan, home: Path) -> str:
    """What to do with machines that were left running."""
    from mailnix.lab.world.layout import WORLD, layout
    from mailnix.lab.world.mail import CAROL
    from mailnix.lab.world.probe import CA

    sender = layout(plan).mailbox(CAROL)
    receiver = next((f"{m.local_part}@{d.name}" for d in plan.topology.domains for m in d.mailboxes), "")
    page = f"https://{plan.topology.hostname}/"
    fetch = (
        f"import ssl, urllib.request as u; "
        f"print(u.urlopen({page!r}, context=ssl.create_default_context(cafile={CA!r})).read().decode())"
    )
    shell = f"mailnix lab shell --state-dir {shlex.quote(str(home))}"
    return "\n".join(
        (
            "the machines are running; a shell on each:",
            *(f"  {shell} {name}" for name in (*(host.name for host in plan.hosts), WORLD)),
            "send a mail from outside:",
            f"  {shell} {WORLD} -- {shlex.quote(f'echo hello | sendmail -f {sender} {receiver}')}",
            "see the web page from outside:",
            f"  {shell} {WORLD} -- {shlex.quote(f'python3 -c {shlex.quote(fetch)}')}",
            "switch everything off:",
            f"  mailnix lab stop --state-dir {shlex.quote(str(home))}",
        )
    )
