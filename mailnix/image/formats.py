"""Disk images in the formats that hypervisors and providers take."""

from __future__ import annotations

from pathlib import Path

from mailnix.errors import BuildError
from mailnix.image.values import Format

OPTIONS = {
    Format.QCOW2: ("-o", "cluster_size=64k,lazy_refcounts=on"),
    Format.VMDK: ("-o", "subformat=streamOptimized"),
    Format.VHDX: ("-o", "subformat=dynamic"),
}


def parse_format(name: str) -> Format:
    """The format called `name`; raises BuildError naming those there are."""
    try:
        return Format(name)
    except ValueError:
        raise BuildError(f"there is no image format {name!r}", f"choose one of {', '.join(Format)}") from None


def convert_argv(raw: Path, target: Path, form: Format) -> list[str]:
    """Write `target` from a raw image, leaving out what is zero."""
    return ["qemu-img", "convert", "-f", "raw", "-O", form.value, *OPTIONS.get(form, ()), str(raw), str(target)]
