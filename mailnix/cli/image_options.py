"""What images are to be, and what a medium that installs one is told when it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import click

ISO: Final = "iso"

form = click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "raw.gz", "qcow2", "vmdk", "vhdx", "vhd", "vdi", ISO]),
    default="raw.gz",
    show_default=True,
    help="Raw images are written onto a disk, an ISO onto a USB stick that installs; the others are for hypervisors.",
)


def _by_machine(context: click.Context, option: click.Parameter, values: Sequence[str]) -> Mapping[str, str]:
    """The machine is always named: another's medium in the same socket must not find a disk that it may write."""
    found: dict[str, str] = {}
    for value in values:
        machine, _, serial = value.partition("=")
        if not (machine and serial):
            raise click.BadParameter(f"{value!r} is not MACHINE=SERIAL", context, option)
        if machine in found:
            raise click.BadParameter(f"{machine} has two disks", context, option)
        found[machine] = serial
    return found


disk_serials = click.option(
    "--disk-serial",
    "disk_serials",
    multiple=True,
    metavar="MACHINE=SERIAL",
    callback=_by_machine,
    help="With --format iso: the disk that MACHINE's medium writes without a question; may be repeated.",
)


def ensure_count(form: str, serials: Mapping[str, str]) -> None:
    """Refuse what was typed and would not count."""
    if serials and form != ISO:
        raise click.UsageError(f"--disk-serial is for --format {ISO}", click.get_current_context())
