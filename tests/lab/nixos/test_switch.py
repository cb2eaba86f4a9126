"""NixOS's switch-to-configuration with Debian's crates: what it is built of, and how."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.lab.nixos.switch import program
from mailnix.run import Completed

MAIN = """\
        ParseOption {
            enabled_quote: true,
            enabled_indented_mutiline_value: false,
            enabled_preserve_key_leading_whitespace: false,
            enabled_escape: false,
        },
"""


class FakeRunner:
    """mmdebstrap, and cargo in its root; `error` is what the compiler complains about."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.commands: list[list[str]] = []

    def __call__(self, argv: Sequence[str | os.PathLike[str]], **_options: Any) -> Completed:
        words = [os.fspath(word) for word in argv]
        self.commands.append(words)
        if "cargo" in words:
            if self.error:
                raise CommandFailed(tuple(words), 101, self.error)
            source = Path(words[words.index("--manifest-path") + 1]).parent
            assert (source / "bindings/systemd_manager.rs").is_file()
            made = source / "target/debug" / program.PROGRAM
            made.parent.mkdir(parents=True)
            made.write_bytes((source / "src/main.rs").read_bytes())
        return Completed(tuple(words), 0, "", "")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    source = tmp_path / "tree" / program.SOURCE
    source.parent.mkdir(parents=True)
    source.write_text(MAIN)
    return tmp_path / "tree"


def test_it_is_the_trees_own_but_for_two_options_that_are_off(tree: Path, tmp_path: Path) -> None:
    made = program.program(tree, tmp_path / "cache/layer", FakeRunner())
    left = MAIN.splitlines()
    del left[2:4]
    assert made.read_text().splitlines() == left


def test_an_option_that_is_on_is_left_for_the_compiler_to_refuse() -> None:
    on = MAIN.replace("whitespace: false", "whitespace: true")
    assert "enabled_preserve_key_leading_whitespace: true" in program.fit(on)


def test_it_is_built_once_of_each_source(tree: Path, tmp_path: Path) -> None:
    runner = FakeRunner()
    first = program.program(tree, tmp_path / "cache/layer", runner)
    assert program.program(tree, tmp_path / "cache/layer", runner) == first
    assert len(runner.commands) == 2
    (tree / program.SOURCE).write_text(MAIN + "// newer\n")
    assert program.program(tree, tmp_path / "cache/layer", runner) != first
    assert len(runner.commands) == 4


def test_crates_are_debians_alone(tmp_path: Path) -> None:
    words = program.build_argv(tmp_path)
    assert "--offline" in words
    assert 'source.debian.directory = "/usr/share/cargo/registry"' in words
    assert {"rustc", "cargo", "librust-dbus-dev"} <= set(program.packages())


def test_what_the_compiler_says_is_shown(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"could not be built\nerror\[E0560\]: no field") as caught:
        program.program(tree, tmp_path / "cache/layer", FakeRunner("error[E0560]: no field"))
    assert "newer than this mailnix" in caught.value.hint


def test_a_tree_without_the_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="has no pkgs/by-name/sw/switch-to-configuration-ng"):
        program.program(tmp_path, tmp_path / "cache/layer", FakeRunner())
