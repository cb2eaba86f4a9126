"""What people must see on a machine is seen wherever they look: on its screen and on its serial line."""

from __future__ import annotations

import pytest

from mailnix.debian.host import debian_hosts
from mailnix.plan import derive
from mailnix.tree import File
from tests.descriptions import sound

UNITS = {
    f"{host.name} {entry.path.rpartition('/')[2]}": entry.data.decode()
    for host in debian_hosts(derive(sound()))
    for entry in host.tree
    if isinstance(entry, File) and entry.path.startswith("/etc/systemd/system/")
}
SEEN = (
    "mailnix-seed",
    "mailnix-seed-late@",
    "mailnix-credentials",
    "mailnix-host-key",
    "mailnix-uplink",
    "mailnix-surroundings",
)


@pytest.mark.parametrize("unit", [f"{host} {name}.service" for host in ("proxy", "internal") for name in SEEN])
def test_what_people_must_see_goes_to_the_kernels_log_which_all_consoles_show(unit: str) -> None:
    lines = UNITS[unit].splitlines()
    assert {"StandardOutput=kmsg", "SyslogLevel=err"} <= set(lines)  # a quiet kernel shows errors only


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_said_on_the_last_console_alone(unit: str) -> None:
    assert "+console" not in UNITS[unit]
