"""Bases that are made ahead."""

from __future__ import annotations

import pytest

from mailnix.errors import BuildError
from mailnix.image.values import Progress
from mailnix.lab.prepare import Options, builds
from mailnix.plan import Plan
from rig.bases import main

EXAMPLE = "docs/examples/two_machines.py"


def test_they_are_those_of_the_description_as_a_lab_takes_them(pytestconfig: pytest.Config) -> None:
    made: list[str] = []

    def make(plan: Plan, options: Options, _progress: Progress) -> None:
        made.extend(build.name for build in builds(plan, None, options))

    main([str(pytestconfig.rootpath / EXAMPLE)], make)
    assert made == ["proxy", "internal", "internet"]


def test_what_cannot_be_made_is_said_and_no_failure(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(_plan: Plan, _options: Options, _progress: Progress) -> None:
        raise BuildError("mmdebstrap is not installed", "apt install mmdebstrap")

    main([str(pytestconfig.rootpath / EXAMPLE)], make)
    main(["nowhere.py"], make)
    one, other = capsys.readouterr().err.splitlines()
    assert one == "no bases were made: mmdebstrap is not installed"
    assert other.startswith("no bases were made: nowhere.py")
