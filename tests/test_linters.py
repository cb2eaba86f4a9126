"""Linters, the type checker and the import contracts are tests like others."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import grimp
import pytest

from mailnix.run import run

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
LINTERS = {
    "ruff finds nothing": ["ruff", "check", "."],
    "ruff would format nothing": ["ruff", "format", "--check", "."],
    "types are right": ["mypy"],
    "imports point one way": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("words", LINTERS.values(), ids=LINTERS.keys())
def test_a_linter_is_content(words: list[str]) -> None:
    tool = SCRIPTS / words[0]
    if not tool.exists():
        pytest.skip(f"{words[0]} is not installed: pip install -e '.[dev]'")
    ended = run([tool, *words[1:]], cwd=ROOT, check=False, env={**os.environ, "NO_COLOR": "1"})
    if ended.status != 0:
        pytest.fail(f"{' '.join(words)}\n{ended.stdout}{ended.stderr}", pytrace=False)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("mailnix")  # imports for types too: a circle of names is hard to read all the same
    waiting = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, imported in waiting.items() if not imported & waiting.keys()}:
        waiting = {module: imported for module, imported in waiting.items() if module not in free}
    assert not waiting, "these modules import each other, or what does"
