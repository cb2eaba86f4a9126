"""`mailnix lab CONFIG`: boot, exchange mail, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailnix.cli import options, output

if TYPE_CHECKING:
    from mailnix.lab.scenario import Outcome, Report
    from mailnix.lab.stages import Timed


@click.command("run")
@options.config
@click.option("--keep", is_flag=True, help="Leave the machines running, and say how to look around.")
@click.option("--resume", is_flag=True, help="Start from the state that an earlier such run saved.")
@click.option("--quick", is_flag=True, help="Only exchange mail; leave out power cuts, port scans and the like.")
@options.mailcow
@options.mailcow_source
@click.option("--state-dir", type=options.PATH, metavar="DIR", help="The lab's folder [default: in the cache].")
@options.secrets
@options.as_json
def command(
    config: Path,
    keep: bool,
    resume: bool,
    quick: bool,
    mailcow: str,
    mailcow_source: Path | None,
    state_dir: Path | None,
    secrets: Path | None,
    as_json: bool,
) -> int:
    """Build, boot, exchange mail, report, shut down. Exit status 1 where a check fails."""
    from mailnix import pipeline
    from mailnix.cli.lab.report import advice, on_outcome
    from mailnix.lab.prepare import Mailcow, Options, default_state_dir
    from mailnix.lab.stages import WITHOUT_THE_REST, Stage, Stages

    state_dir = state_dir or default_state_dir(config)
    made = Options(state_dir, pipeline.secrets_folder(config, secrets), Mailcow(mailcow), mailcow_source)
    progress = Stages(output.status, WITHOUT_THE_REST if quick else tuple(Stage))
    progress.announce()
    report = pipeline.lab(config, made, progress, on_outcome=on_outcome, keep=keep, resume=resume, quick=quick)
    _show(report, progress.took(), mailcow, as_json)
    if keep:
        output.status(advice(pipeline.plan(config, secrets), state_dir))
    return 0 if _passed(report.outcomes) == len(report.outcomes) else 1


def _passed(outcomes: tuple[Outcome, ...]) -> int:
    return sum(outcome.verdict == "pass" for outcome in outcomes)


def _show(report: Report, stages: tuple[Timed, ...], mailcow: str, as_json: bool) -> None:
    from mailnix.cli.lab.outcomes import outcomes_text, terminal_width

    player = "Mailcow" if mailcow == "real" else "the fake Mailcow in Mailcow's place"
    if as_json:
        seconds = {name: round(getattr(report, name), 1) for name in ("ready", "exchanged", "total")}
        took = {timed.stage.name.lower(): round(timed.seconds, 1) for timed in stages}
        output.result_json({"mailcow": mailcow, "seconds": seconds, "stages": took, "outcomes": report.outcomes})
        return
    output.result(outcomes_text(report.outcomes, terminal_width()))
    output.result(f"{_passed(report.outcomes)} of {len(report.outcomes)} checks passed, with {player}")
    for timed in stages:
        output.status(f"{minutes(timed.seconds).rjust(12)}  {timed.stage}")
    times = (minutes(seconds) for seconds in (report.ready, report.exchanged, report.total))
    output.result("Mail could flow after {}, all of it was exchanged after {}, everything took {}.".format(*times))


def minutes(seconds: float) -> str:
    """A time for people."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole} min {rest} s" if whole else f"{rest} s"
