"""Manifests are read back as they were written, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image.manifest import Manifest, ManifestEntry, read_manifest, with_entries, write_manifest
from mailnix.image.values import Format

ENTRY = ManifestEntry("proxy", "proxy.raw", Format.RAW, 1, 2, "aa", "base", "in", {"nftables": "1.1"})


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    manifest = with_entries(None, (ENTRY,))
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert manifest.image("proxy") == ENTRY


def test_no_manifest_is_none_and_an_unknown_host_a_key_error(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    with pytest.raises(KeyError):
        Manifest((ENTRY,)).image("internal")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": [], "version": 1, "more": 2}', '{"images": [{}]}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BuildError, match="cannot be read by this mailnix"):
        read_manifest(tmp_path)


def test_a_manifest_of_a_later_version_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, Manifest((ENTRY,), version=99))
    with pytest.raises(BuildError, match="cannot be read by this mailnix"):
        read_manifest(tmp_path)
