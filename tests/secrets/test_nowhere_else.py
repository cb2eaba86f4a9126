"""The last net: no secret is in anything that is emitted, raw or in another form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix import pipeline, secrets
from mailnix.formats.backend import Backend
from mailnix.plan import Plan, with_keys
from mailnix.secrets.search import SHORTEST, forms
from mailnix.tree import File


def secret_forms(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every secret of a folder in every form in which it might be written down; public keys are none."""
    for file in folder.glob("*/*"):
        if ".public." not in file.name:
            for form in forms(file.read_bytes()):
                if len(form) >= SHORTEST:
                    yield file.name, form


def found_in(text: bytes, folder: Path) -> list[str]:
    return sorted({name for name, form in secret_forms(folder) if form in text})


@pytest.mark.parametrize("backend", list(Backend))
def test_no_emitted_file_holds_a_secret(plan: Plan, folder: Path, backend: Backend) -> None:
    whole = with_keys(plan, secrets.public_keys(folder))
    tree = pipeline.trees(whole, backend)
    text = b"\0".join(entry.data for entry in tree if isinstance(entry, File))
    assert text
    assert found_in(text, folder) == []


def test_the_plan_and_the_public_halves_hold_no_secret(plan: Plan, folder: Path) -> None:
    whole = with_keys(plan, secrets.public_keys(folder))
    assert found_in(repr(whole).encode() + (folder / "public.json").read_bytes(), folder) == []


def test_the_net_catches_a_secret_of_each_kind(folder: Path) -> None:
    for file in folder.glob("*/*"):
        if ".public." not in file.name:
            assert file.name in found_in(b"x" + file.read_bytes().replace(b"\\n", b"\n") + b"x", folder), file
