"""Tests that boot machines, and who runs them."""

from __future__ import annotations

import re

import pytest

from rig.beside import ALONE, LAB, share

FIXTURES_OF_THE_LAB = r"\b(?:lab|scene|asking|proxy|proxies|internal|internet|hosts): (?:Any|Scene|Asking)\b"


@pytest.mark.parametrize("file", ALONE)
def test_a_file_with_machines_of_its_own_is_one_workers_and_starts_no_lab(
    file: str, pytestconfig: pytest.Config
) -> None:
    text = (pytestconfig.rootpath / "vm-tests" / file).read_text()
    assert not re.search(FIXTURES_OF_THE_LAB, text)
    assert share(f"vm-tests/{file}::test_it[a/b::c]") == file


def test_all_files_of_the_lab_are_one_workers() -> None:
    files = ("vm-tests/test_machines.py", "vm-tests/test_scenario.py", "vm-tests/test_a_new_one.py")
    assert {share(f"{file}::test_it[test_hardware.py]") for file in files} == {LAB}
