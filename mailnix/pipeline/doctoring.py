"""Machines that run, looked at: plan → findings → what of them is news → whom to tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from mailnix.pipeline.deciding import plan
from mailnix.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailnix.doctor.notifying import Notices
    from mailnix.doctor.registry import Group
    from mailnix.doctor.scene import Scene
    from mailnix.doctor.values import Finding


@frozen
class Changes:
    """That only what has changed is wanted; `file` keeps what is known (none: where the user's state is kept).

    `notices`: that somebody is to be told of it, too.
    """

    file: Path | None = None
    notices: Notices | None = None


def doctor(
    config: Path,
    scene: Callable[[Plan], Scene],
    only: Sequence[str],
    changes: Changes | None = None,
    secrets: Path | None = None,
    more: Sequence[Group[Any]] = (),
) -> tuple[tuple[Finding, ...], tuple[Finding, ...] | None]:
    """What the checks named in `only` (none: all) find, and with `changes` what of it is news.

    `more` are groups that somebody asks for beside those that always run.
    Raises MailnixError where nothing can be looked at; `Untold` with what was found where nobody takes the notice, or
    where what is known cannot be kept, which is tried before: then it stays news.
    """
    from mailnix.deploy.start import refuse_unknown
    from mailnix.doctor import doctoring, notifying, state
    from mailnix.doctor.registry import chosen, groups

    known = (*groups(), *more)
    wanted = chosen(only, known)
    file = None if changes is None else changes.file or state.default_file(config)
    before = {} if file is None else state.read(file)
    given = scene(plan(config, secrets))
    refuse_unknown(given.plan, given.targets)
    notices = None if changes is None else changes.notices
    if notices is not None:
        notices.ready(given)
    found = tuple(doctoring.findings(given, known, wanted))
    if file is None:
        return found, None
    news, _ = state.changes(before, found, wanted)
    with notifying.untold(found, news), state.held(file):
        # Another run may have told of it meanwhile.
        before = state.read(file)
        news, after = state.changes(before, found, wanted)
        if notices is not None and news:
            state.write(file, before)  # a mail that cannot be remembered would be sent by every run
            notices.tell(given, news)
        state.write(file, after)
    return found, news
