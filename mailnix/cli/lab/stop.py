"""`mailnix lab stop`: switch a kept lab off."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import options, output


@click.command("stop")
@click.option("--state-dir", type=options.PATH, metavar="DIR", help="The lab's folder [default: the one that runs].")
@options.as_json
def command(state_dir: Path | None, as_json: bool) -> None:
    """Cut the power of every machine of the running lab."""
    from mailnix.cli.lab.running import state_dir_of
    from mailnix.lab import records

    stopped = records.stop(state_dir_of(state_dir))
    if as_json:
        output.result_json({"stopped": stopped})
    else:
        output.result(f"stopped: {', '.join(stopped) or 'nothing, none was running'}")
