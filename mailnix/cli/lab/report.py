"""What a lab tells while it runs, and how to look around in one that was kept."""

from __future__ import annotations

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


def advice(plan: Plan, config: Path, home: Path) -> str:
    """What to do with machines that were left running."""
    from mailnix.lab.world.layout import WORLD

    address = next((f"{m.local_part}@{d.name}" for d in plan.topology.domains for m in d.mailboxes), "")
    names = [*(host.name for host in plan.hosts), WORLD]
    where = f"--state-dir {home}"
    return "\n".join(
        (
            "the machines are running:",
            *(f"  a shell on {name}:  mailnix lab shell {name} {where}" for name in names),
            f"  send a mail:  mailnix lab shell {WORLD} {where} -- 'echo hello | sendmail {address}'",
            f"  the web page:  mailnix lab shell {WORLD} {where} -- curl -s https://{plan.topology.hostname}/",
            f"  the end:  mailnix lab stop {where}",
            f"  again from {config.name}, faster:  mailnix lab {config} --resume",
        )
    )
