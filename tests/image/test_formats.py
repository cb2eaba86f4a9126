"""Formats by the names people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image.formats import convert_argv, parse_format
from mailnix.image.values import Format


def test_a_format_is_known_by_its_name() -> None:
    assert parse_format("qcow2") is Format.QCOW2


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(BuildError, match="no image format 'iso'") as caught:
        parse_format("iso")
    assert caught.value.hint == "choose one of raw, qcow2, vmdk, vhdx"


def test_vmdk_is_the_kind_that_vmware_imports() -> None:
    assert convert_argv(Path("a.raw"), Path("a.vmdk"), Format.VMDK) == [
        "qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", "a.raw", "a.vmdk",
    ]  # fmt: skip
