"""Programs of a machine have no mailnix there: they lie in folders called `guest`, and import nothing of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailnix

PACKAGE = Path(mailnix.__file__).parent
PROGRAMS = sorted(PACKAGE.glob("**/guest/**/*.py"))
OTHERS = sorted(set(PACKAGE.glob("**/*.py")) - set(PROGRAMS))
ONE_TRUTH = {
    "nar.py",  # what is pinned is hashed by the program that machines check it with
    "adopt/forwards.py",  # a filter that is taken for one that hands mail on is left alone by the provisioner
    "adopt/fit.py",  # the mark before what somebody noted of an alias is the provisioner's
}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Each import of a file: how many dots it begins with, and the module's name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def test_the_programs_of_every_kind_of_machine_are_found() -> None:
    folders = {name_of(path).partition("/guest/")[0] for path in PROGRAMS}
    assert folders == {
        "services/activation",
        "services/firewall",
        "services/generations",
        "services/mailcow",
        "services/wireguard",
        "deploy",
        "doctor/machines",
        "lab/fake_mailcow",
        "lab/internet",
        "lab/places",
    }


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_a_program_imports_the_standard_library_and_its_own_folder_only(program: Path) -> None:
    for dots, module in imports(program):
        assert dots == 1 or module.partition(".")[0] in sys.stdlib_module_names, f"{name_of(program)}: {module}"


@pytest.mark.parametrize("path", OTHERS, ids=name_of)
def test_mailnix_itself_imports_no_program(path: Path) -> None:
    if name_of(path) not in ONE_TRUTH:
        guests = [name for _dots, name in imports(path) if ".guest" in name and name != "mailnix.lab.guest"]
        assert not guests
