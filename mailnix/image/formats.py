"""Disk images in the formats that hypervisors and providers take."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Final

from mailnix.errors import BuildError
from mailnix.image.values import MIB, Format
from mailnix.run import Runner, require, run

QEMU_NAMES: Final = {Format.VHD: "vpc"}
"""What qemu-img calls a format, where that is not what people do."""

OPTIONS: Final = {
    Format.QCOW2: "cluster_size=64k,lazy_refcounts=on",
    Format.VMDK: "subformat=streamOptimized",
    Format.VHDX: "subformat=dynamic",
    # Azure takes fixed ones only, of whole MiB; without force_size the disk is cut to cylinders of heads and sectors.
    # learn.microsoft.com/azure/virtual-machines/linux/create-upload-generic
    Format.VHD: "subformat=fixed,force_size=on",
}

GZIP_LEVEL: Final = 6
"""gzip's own default: a higher one takes several times as long for a few MiB."""


def parse_format(name: str) -> Format:
    """The format called `name`; raises BuildError naming those there are."""
    try:
        return Format(name)
    except ValueError:
        raise BuildError(f"there is no image format {name!r}", f"choose one of {', '.join(Format)}") from None


def need_tools(form: Format) -> None:
    """Raise ToolMissing where images cannot be converted to `form` here."""
    if form not in (Format.RAW, Format.RAW_GZ):
        require("qemu-img", "qemu-utils")


def convert(raw: Path, target: Path, form: Format, runner: Runner = run) -> None:
    """Write `target` from a raw image, leaving out what is zero; gzip packs equal images into equal files."""
    if form is Format.RAW_GZ:
        with raw.open("rb") as plain, target.open("wb") as file, gzip.GzipFile("", "wb", GZIP_LEVEL, file, 0) as packed:
            shutil.copyfileobj(plain, packed, MIB)
    else:
        runner(convert_argv(raw, target, form))


def convert_argv(raw: Path, target: Path, form: Format) -> list[str]:
    """qemu-img's words for that, where it knows the format."""
    options = ["-o", OPTIONS[form]] if form in OPTIONS else []
    name = QEMU_NAMES.get(form, form.value)
    return ["qemu-img", "convert", "-f", "raw", "-O", name, *options, str(raw), str(target)]
