"""NixOS's layer of machines, built through stubs and booted: see docs/architecture/nixos.md.

`MAILNIX_NIXPKGS` names a nixpkgs tree; without one all of this skips. The lab of the description is one for all files
here, which run in the order of their names: what looks comes before what changes, and that before what breaks.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mailnix import pipeline
from mailnix.formats.backend import Backend
from mailnix.image.cache import cache_dir
from mailnix.lab import lab as labs
from mailnix.lab import prepare
from mailnix.lab.nixos.build import Layer
from mailnix.lab.nixos.build import layer as make_layer
from mailnix.testing.labs import Progress, RunningLab, Starter, Wanted


@pytest.fixture(scope="session")
def nixpkgs() -> Path:
    """A nixpkgs tree to build from."""
    tree = os.environ.get("MAILNIX_NIXPKGS")
    if not tree:
        pytest.skip("MAILNIX_NIXPKGS does not name a nixpkgs tree to build from")
    return Path(tree)


@pytest.fixture(scope="session")
def all_of_it() -> None:
    """For what would take the tests of every change beyond 40 minutes: machines of others, a second generation."""
    if os.environ.get("MAILNIX_NIXOS") != "all":
        pytest.skip("MAILNIX_NIXOS=all does this, too, and takes an hour more")


@pytest.fixture(scope="session")
def layer(nixpkgs: Path) -> Layer:
    """Where machines are built."""
    return make_layer(nixpkgs, cache_dir())


@pytest.fixture(scope="session")
def mailnix_start(nixpkgs: Path) -> Starter:
    """The description's machines as NixOS."""

    def start(wanted: Wanted, progress: Progress) -> AbstractContextManager[RunningLab]:
        state_dir = wanted.state_dir or prepare.default_state_dir(wanted.config, Backend.NIXOS)
        secrets = pipeline.secrets_folder(wanted.config)
        local = pipeline.local_folder(wanted.config)
        options = prepare.Options(state_dir, secrets, backend=Backend.NIXOS, nixpkgs=nixpkgs, local=local)
        return labs.start(pipeline.plan(wanted.config), options, progress, keep=wanted.keep, resume=wanted.resume)

    return start
