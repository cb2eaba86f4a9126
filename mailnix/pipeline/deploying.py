"""Machines that run, brought to their description or back: credentials → plan → files → SSH."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.pipeline.deciding import decided, plan, secrets_folder
from mailnix.pipeline.emitting import local_folder, with_local
from mailnix.plan.processors import refuse_others

if TYPE_CHECKING:
    from mailnix.deploy.asking import TakeOver
    from mailnix.deploy.start import Reach, Wish
    from mailnix.deploy.values import Report
    from mailnix.image import Progress


def deploy(
    config: Path,
    wish: Wish,
    reach: Reach,
    *,
    take_over: TakeOver,
    progress: Progress,
) -> Report:
    """Bring machines that run to their description, over SSH; credentials that are missing are made first.

    Raises DeployError: `Failed`, with a report, where something had been changed already.
    """
    from mailnix.deploy import deploying, start

    folder = secrets_folder(config, wish.secrets)
    described = decided(config)
    refuse_others(described, "deploy is")
    start.refuse_unknown(described, (*wish.hosts, *reach.targets))
    start.refuse_new_folder(described, folder, wish, reach, progress)
    if not wish.dry_run:
        start.credentials_made(described, folder, progress)
    whole = plan(config, wish.secrets)
    flake = partial(with_local, whole, local_folder(config, wish.local), progress)
    with start.started(whole, folder, wish, reach, take_over, progress, flake) as given:
        return deploying.deploy(given)


def rollback(
    config: Path,
    number: int | None,
    wish: Wish,
    reach: Reach,
    *,
    databases: bool,
    progress: Progress,
) -> Report:
    """Bring the machine that is wished for to a generation that it keeps, and what a tunnel ties to it.

    With `databases`, an older Mailcow comes back with the database that it had.
    """
    from mailnix.deploy import rolling, start

    folder, (host,) = secrets_folder(config, wish.secrets), wish.hosts
    whole = plan(config, wish.secrets)
    flake = partial(with_local, whole, local_folder(config), progress)
    with start.started(whole, folder, wish, reach, lambda _: False, progress, flake) as given:
        return rolling.rollback(given, host, number, databases=databases)
