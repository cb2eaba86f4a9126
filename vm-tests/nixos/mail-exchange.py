# ruff: noqa: F821 - the test driver gives machines, subtest and log
"""The test script of mail-exchange.nix: the lab's boot, waiting conditions and scenario, on the driver's machines."""

import tempfile
from pathlib import Path

from mailnix.config import load
from mailnix.lab.scenario.nixos_driver import exchange
from mailnix.lab.scenario.runner import run_check
from mailnix.lab.scenario.values import Verdict
from mailnix.plan import derive

plan = derive(load(Path("@example@")))
named = {machine.name: machine for machine in machines}
work = Path(tempfile.mkdtemp())

mail = exchange(plan, Path("@keys@"), named, work)

with subtest("every machine is up, and mail can flow"):
    mail.boot(print)

scene = mail.stage()
failed = []
for check in mail.checks():
    # The rest is worth knowing, too, after one has failed.
    try:
        with subtest(f"{check.group}: {check.title}"):
            outcome = run_check(check, scene)
            print(outcome.evidence)
            assert outcome.verdict is Verdict.PASS, outcome.evidence
    except AssertionError:
        failed.append(check.id)
assert not failed, f"failed: {', '.join(failed)}"
