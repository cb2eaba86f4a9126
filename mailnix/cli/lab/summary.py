"""What came of a lab, once it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailnix.cli import output

if TYPE_CHECKING:
    from mailnix.lab.prepare import Options
    from mailnix.lab.scenario import Outcome, Report
    from mailnix.lab.stages import Timed


def passed(outcomes: tuple[Outcome, ...]) -> int:
    """How many checks passed."""
    return sum(outcome.verdict == "pass" for outcome in outcomes)


def show(report: Report, stages: tuple[Timed, ...], made: Options, as_json: bool) -> None:
    """Print what came of a lab: every check, the stages, the times that matter."""
    from mailnix.cli.lab.outcomes import outcomes_text, terminal_width

    mailcow, machines = str(made.mailcow), made.machines
    player = "Mailcow" if mailcow == "real" else "the fake Mailcow in Mailcow's place"
    if as_json:
        seconds = {name: round(getattr(report, name), 1) for name in ("ready", "exchanged", "total")}
        took = {timed.stage.name.lower(): round(timed.seconds, 1) for timed in stages}
        output.result_json(
            {
                "machines": machines.name.lower(),
                "mailcow": mailcow,
                "seconds": seconds,
                "stages": took,
                "outcomes": report.outcomes,
            }
        )
        return
    output.result(outcomes_text(report.outcomes, terminal_width()))
    output.result(f"{passed(report.outcomes)} of {len(report.outcomes)} checks passed, with {player}")
    output.result(machines)
    for timed in stages:
        output.status(f"{minutes(timed.seconds).rjust(12)}  {timed.stage}")
    times = (minutes(seconds) for seconds in (report.ready, report.exchanged, report.total))
    output.result("Mail could flow after {}, all of it was exchanged after {}, everything took {}.".format(*times))


def minutes(seconds: float) -> str:
    """A time for people."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole} min {rest} s" if whole else f"{rest} s"
