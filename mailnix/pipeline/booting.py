"""Every machine and the internet, in QEMU: plan → images → boot → exchange mail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.pipeline.deciding import plan
from mailnix.plan.processors import refuse_others

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailnix.image import Progress
    from mailnix.lab.prepare import Options
    from mailnix.lab.scenario.values import Outcome, Report


def lab(
    config: Path,
    options: Options,
    progress: Progress,
    *,
    on_outcome: Callable[[Outcome], None],
    keep: bool = False,
    resume: bool = False,
    quick: bool = False,
) -> Report:
    """Boot every machine and the simulated internet, and exchange mail; `on_outcome` gets each check's outcome.

    A `quick` one ends when all mail was exchanged. `progress` is told each `Stage` as it begins.
    """
    from mailnix.lab.lab import start
    from mailnix.lab.scenario import checks_for, exchanging, run_checks, stage
    from mailnix.lab.stages import Stage

    begin, rest = time.monotonic(), iter((Stage.REST,))

    def on_each(outcome: Outcome) -> None:
        if not outcome.group.is_mail:
            for begins in rest:  # once
                progress(begins)
        on_outcome(outcome)

    whole = plan(config, options.secrets)
    refuse_others(whole, "the lab's machines are")
    with start(whole, options, progress, keep=keep, resume=resume) as running:
        checks = exchanging(running.plan) if quick else checks_for(running.plan)
        progress(Stage.MAIL)
        return run_checks(checks, stage(running), on_each, begin)
