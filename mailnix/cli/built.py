"""Images that were built, and what to do with them, machine by machine, for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.cli import output
from mailnix.deploy.commands import Commands
from mailnix.image import Format, Manifest
from mailnix.image.beside import SUMS, WRITER
from mailnix.plan import Plan
from mailnix.plan.types import HostPlan, ProxyPlan

PAGES: Final = "docs/howto/install"
AT_HOME: Final = {
    Format.QCOW2: ("libvirt.md", "proxmox.md"),
    Format.VDI: ("virtualbox.md",),
    Format.VHDX: ("hyper-v.md",),
    Format.VHD: ("hyper-v.md",),
}
"""Pages of the programs that take a format; those that are not named are for uploads."""


def show(manifest: Manifest, plan: Plan, form: Format, out: Path, config: Path, secrets: Path | None) -> None:
    """The images as a table, and on standard error the next steps, with what was typed."""
    said = Commands(str(config), secrets=() if secrets is None else ("--secrets", str(secrets)))
    rows = [(image.host, image.format, f"{image.size / 2**20:.0f} MiB", out / image.file) for image in manifest.images]
    output.result(output.table(("machine", "format", "size", "file"), rows))
    for line in _next_steps(plan, form, out, said):
        output.status(line)


def _next_steps(plan: Plan, form: Format, out: Path, said: Commands) -> Iterator[str]:
    for host in plan.hosts:
        image = out / f"{host.name}.{form}"
        match form:
            case Format.RAW | Format.RAW_GZ:
                yield from _write(host, image)
            case Format.ISO:
                yield from _start_from(host, image)
            case _:
                yield from _give(host, form, image)
        yield from _handed(plan, host, said)


def _start_from(host: HostPlan, image: Path) -> Iterator[str]:
    if isinstance(host, ProxyPlan):
        yield f"next, {host.name}: upload {image}, and start the server from it as a CD ({PAGES}/upload.md)"
        return
    yield f"next, {host.name}: write it onto a USB stick, and start the machine from that ({PAGES}/bare-pc.md)"
    yield f"  {shlex.join(('sh', str(image.parent / WRITER), str(image)))}"


def _write(host: HostPlan, image: Path) -> Iterator[str]:
    if not isinstance(host, ProxyPlan):
        yield f"next, {host.name}: write it onto its own disk, from a live system ({PAGES}/live-system.md)"
        yield f"  sh {WRITER} {image.name}"
        return
    yield f"next, {host.name}: write it onto the server's disk, from its rescue system ({PAGES}/rescue.md)"
    files = shlex.join(str(file) for file in (image, image.parent / SUMS, image.parent / WRITER))
    yield f"  scp {files} root@{host.ipv4}:"
    yield f"  ssh -t root@{host.ipv4} sh {WRITER} {image.name}"


def _give(host: HostPlan, form: Format, image: Path) -> Iterator[str]:
    pages = ("upload.md",) if isinstance(host, ProxyPlan) else AT_HOME.get(form, ("upload.md",))
    what = f"give {image} to a virtual machine" if pages[0] != "upload.md" else f"upload {image}"
    yield f"next, {host.name}: {what} ({', '.join(f'{PAGES}/{page}' for page in pages)})"


def _handed(plan: Plan, host: HostPlan, said: Commands) -> Iterator[str]:
    yield "  its first credentials, from a seed disk that is attached when it starts:"
    yield f"  {said.secrets_of('seed')} {host.name}"
    # By way of a proxy nobody gets to a machine whose tunnel has no key yet, and to a sealed one nobody at all.
    there = next((login.target for login in plan.logins if login.host == host.name and login.jump is None), None)
    if there is not None:
        to = "" if isinstance(host, ProxyPlan) else f" --to {there}"
        yield "  or, once it has started, by SSH:"
        yield f"  {said.secrets_of('push')} {host.name}{to}"
