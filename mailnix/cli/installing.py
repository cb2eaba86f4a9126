"""How an image gets onto its machine, by its format and by whether the machine is rented or at home."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.image import Format
from mailnix.image.beside import SUMS, WRITER
from mailnix.plan.processors import is_usual
from mailnix.plan.types import HostPlan, ProxyPlan

PAGES: Final = "docs/howto/install"
BOARDS: Final = "docs/howto/images.md#a-board-at-home"
AT_HOME: Final = {
    Format.QCOW2: ("libvirt.md", "proxmox.md"),
    Format.VDI: ("virtualbox.md",),
    Format.VHDX: ("hyper-v.md",),
    Format.VHD: ("hyper-v.md",),
}
"""Pages of the programs that take a format; those that are not named are for uploads."""


def steps(host: HostPlan, form: Format, image: Path) -> Iterator[str]:
    """Lines for people: what to do with `image`, the page that says more, and the commands."""
    match form:
        case Format.RAW | Format.RAW_GZ:
            yield from _write(host, image)
        case Format.ISO if not is_usual(host):
            usual = Format.RAW_GZ
            yield f"next, {host.name}: it has no medium; build its image with --format {usual} ({PAGES}/README.md)"
        case Format.ISO:
            yield from _start_from(host, image)
        case _:
            yield from _give(host, form, image)


def _start_from(host: HostPlan, image: Path) -> Iterator[str]:
    if isinstance(host, ProxyPlan):
        yield f"next, {host.name}: upload {image}, and start the server from it as a CD ({PAGES}/upload.md)"
        return
    yield f"next, {host.name}: write it onto a USB stick, and start the machine from that ({PAGES}/bare-pc.md)"
    yield f"  {shlex.join(('sh', str(image.parent / WRITER), str(image)))}"


def _write(host: HostPlan, image: Path) -> Iterator[str]:
    if not isinstance(host, ProxyPlan):
        where = f"from a live system ({PAGES}/live-system.md)" if is_usual(host) else f"from any Linux ({BOARDS})"
        yield f"next, {host.name}: write it onto its own disk, {where}"
        yield f"  sh {WRITER} {image.name}"
        if is_usual(host):
            yield f"  or build with --format {Format.ISO}: a USB stick that needs no live system ({PAGES}/bare-pc.md)"
        return
    yield f"next, {host.name}: write it onto the server's disk, from its rescue system ({PAGES}/rescue.md)"
    files = shlex.join(str(file) for file in (image, image.parent / SUMS, image.parent / WRITER))
    yield f"  scp {files} root@{host.ipv4}:"
    yield f"  ssh -t root@{host.ipv4} sh {WRITER} {image.name}"


def _give(host: HostPlan, form: Format, image: Path) -> Iterator[str]:
    pages = ("upload.md",) if isinstance(host, ProxyPlan) else AT_HOME.get(form, ("upload.md",))
    what = f"give {image} to a virtual machine" if pages[0] != "upload.md" else f"upload {image}"
    yield f"next, {host.name}: {what} ({', '.join(f'{PAGES}/{page}' for page in pages)})"
