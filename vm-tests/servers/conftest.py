"""Plain Debian 13 servers in the place of images, brought by `mailnix deploy`: see docs/architecture/deploy.md."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import pytest

from mailnix import pipeline
from mailnix.lab import lab as labs
from mailnix.lab import prepare
from mailnix.testing.labs import Progress, RunningLab, Starter, Wanted


@pytest.fixture(scope="session")
def mailnix_start() -> Starter:
    """The description's machines as servers that somebody else set up."""
    if os.environ.get("MAILNIX_SERVERS") != "all":
        pytest.skip("MAILNIX_SERVERS=all boots plain servers, and takes an hour more")

    def start(wanted: Wanted, progress: Progress) -> AbstractContextManager[RunningLab]:
        state_dir = wanted.state_dir or prepare.default_state_dir(wanted.config, servers=True)
        options = prepare.Options(state_dir, pipeline.secrets_folder(wanted.config), servers=True)
        return labs.start(pipeline.plan(wanted.config), options, progress, keep=wanted.keep, resume=wanted.resume)

    return start
