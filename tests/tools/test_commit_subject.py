"""The rule about commit subjects, and that the newest commit keeps it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mailnix.run import run

ROOT = Path(__file__).resolve().parents[2]
TOOL: list[str | Path] = [sys.executable, ROOT / "tools/commit_subject.py"]


@pytest.mark.parametrize(
    "subject",
    [
        "haraka: hand on header bytes as they came",
        "lab, nixos: name the internet in one place",
        "docs: say where `mail.py` is looked for",
        'Revert "haraka: hand on header bytes as they came"',
        "fixup! dns: add a record",
        "dns: " + "x" * 67,
    ],
)
def test_a_subject_that_keeps_the_rule_passes(subject: str, tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_text(f"{subject}\n\nWhy: a body may have lines of any length, and end with a full stop.\n")
    assert run([*TOOL, message], check=False).status == 0


@pytest.mark.parametrize(
    "subject",
    [
        "Hand on header bytes",
        "Haraka: hand on header bytes",
        "haraka: Hand on header bytes",
        "haraka: hand on header bytes.",
        "haraka:",
        "dns: " + "x" * 68,
        "",
    ],
)
def test_a_subject_that_breaks_the_rule_is_named(subject: str, tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_text(f"{subject}\n")
    ended = run([*TOOL, message], check=False)
    assert ended.status == 1
    assert subject in ended.stderr


def test_the_newest_commit_keeps_the_rule() -> None:
    known = run(["git", "rev-parse", "--verify", "--quiet", "HEAD~1"], cwd=ROOT, check=False)
    if known.status != 0:
        pytest.skip("no git history here")
    ended = run([*TOOL, "--range", "HEAD~1..HEAD"], cwd=ROOT, check=False)
    assert ended.status == 0, ended.stderr
