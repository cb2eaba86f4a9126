"""nixfmt (RFC 166) would change nothing: files of the repository, what is emitted, what is printed of any value.

`MAILNIX_NIXFMT` names the program, else it is `nixfmt` in PATH (nixpkgs has it; Debian does not).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailnix import Topology
from mailnix.config import load
from mailnix.formats.nix import Apply, Attrs, Entry, Lambda, PathLiteral, mk_default, mk_force
from mailnix.formats.nix_printer import render
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import derive
from tests.nixos.test_emission import ipv4_only_topology, other_topology
from tests.nixos.test_printer import strings, values

REPOSITORY = Path(__file__).resolve().parents[2]
WRITTEN = ("*.nix", "template/*.nix", "modules/**/*.nix", "hosts/**/*.nix", "vm-tests/**/*.nix", "tests/**/*.nix")

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)
letters = st.text("abc", min_size=1, max_size=4)
long = st.integers(60, 130).map(lambda length: "w" * length)
names = st.one_of(words, st.sampled_from(["in", "10.0.0.1", "wg-proxy", "a/b", "net.ipv4.ip_forward"]))
paths = st.one_of(words, long).map(lambda word: PathLiteral(f"./{word}.nix"))
plain = st.one_of(st.none(), st.booleans(), st.integers(-9, 99999), words, long, strings, paths)
comments = st.sampled_from(["", "", "Why.", "Why\nand why not."])


def applied(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(mk_default), inner.map(mk_force), paths.map(lambda path: Apply("builtins.readFile", (path,)))
    )


def sets(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Names that fill a line by themselves are left out: nobody has such.
    path = st.one_of(st.lists(names, min_size=1, max_size=3), st.lists(letters, min_size=4, max_size=6))
    entry = st.builds(Entry, path.map(tuple), inner, comments, st.booleans())
    unique = st.lists(entry, max_size=4, unique_by=lambda e: e.path[0])
    return unique.map(lambda entries: Attrs(tuple(entries)))


expressions = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3), sets(inner), applied(inner)
    ),
    max_leaves=12,
)
modules = st.builds(
    Lambda,
    st.lists(st.sampled_from(["config", "lib", "modulesPath", "options", "pkgs"]), max_size=5, unique=True).map(tuple),
    sets(expressions),
    st.sampled_from(["", "Made by mailnix.", "Two\nlines."]),
)
many = settings(
    max_examples=int(os.environ.get("MAILNIX_FORMAT_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def nixfmt() -> Callable[[str], str]:
    program = os.environ.get("MAILNIX_NIXFMT") or shutil.which("nixfmt")
    if not program:
        pytest.skip("nixfmt is not installed (Debian has no package of it); MAILNIX_NIXFMT may name one")

    def formatted(text: str) -> str:
        done = subprocess.run([program, "-"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout

    return formatted


@pytest.mark.parametrize("path", sorted(p for g in WRITTEN for p in REPOSITORY.glob(g)), ids=str)
def test_a_file_of_the_repository_is_formatted(nixfmt: Callable[[str], str], path: Path) -> None:
    assert path.read_text() == nixfmt(path.read_text())


def example_topology() -> Topology:
    return load(REPOSITORY / "docs/examples/two_machines.py")


@pytest.mark.parametrize("topology", [example_topology, other_topology, ipv4_only_topology])
def test_what_is_emitted_is_formatted(nixfmt: Callable[[str], str], topology: Callable[[], Topology]) -> None:
    plan = derive(topology())
    for file in emit(plan, copied()).files:
        if file.path.endswith(".nix"):
            assert file.data.decode() == nixfmt(file.data.decode())


@many
@given(values)
def test_plain_values_are_printed_as_nixfmt_would(nixfmt: Callable[[str], str], value: Any) -> None:
    assert render({"a": value}) == nixfmt(render({"a": value}))


@many
@given(modules)
def test_modules_are_printed_as_nixfmt_would(nixfmt: Callable[[str], str], module: Any) -> None:
    assert render(module) == nixfmt(render(module))
