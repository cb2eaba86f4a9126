"""What a machine says of itself, from programs that say what Debian's do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mailnix.doctor.machines.guest import system
from mailnix.doctor.machines.guest.here import CouldNotAsk
from tests.doctor.machines.guest.fake import NOW, Fake

RUNS = "Id=haraka-in.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n"
FAILED = "Id=haraka-in.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
HEADING = """\
               Server: 2a01:3f7:2:1::1 (2.debian.pool.ntp.org)
        Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap version: 4
               Offset: {}
"""


def systemctl(fake: Fake, shows: str, failed: str = "") -> None:
    fake.file("/shows", shows)
    fake.file("/failed", failed)
    root = fake.folder / "root"
    fake.program("systemctl", f"case $1 in show) cat {root}/shows ;; *) cat {root}/failed ;; esac")


def test_units_are_said_in_systemds_words(fake: Fake) -> None:
    systemctl(
        fake, f"{RUNS}\nId=caddy.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nResult=success\n"
    )
    said = system.units(fake.here, ["haraka-in.service", "caddy.service"])
    assert [(each["name"], each["load"], each["active"]) for each in said["units"]] == [
        ("haraka-in.service", "loaded", "active"),
        ("caddy.service", "not-found", "inactive"),
    ]
    assert said["failed"] == []


def test_a_unit_that_is_back_at_the_second_look_is_well(fake: Fake) -> None:
    systemctl(fake, FAILED, "haraka-in.service loaded failed failed Mail from the internet\n")

    def comes_back(_seconds: float) -> None:
        systemctl(fake, RUNS)

    here = fake.here.__class__(fake.here.root, fake.here.path, fake.here.now, comes_back)
    said = system.units(here, ["haraka-in.service"])
    assert (said["units"][0]["active"], said["failed"]) == ("active", [])


def test_no_second_look_is_had_for_a_unit_that_is_not_there(fake: Fake) -> None:
    systemctl(fake, f"{RUNS}\nId=nftables.service\nLoadState=not-found\nActiveState=inactive\n")

    def waits(_seconds: float) -> None:
        raise AssertionError("another system's name for a unit was waited for")

    here = fake.here.__class__(fake.here.root, fake.here.path, fake.here.now, waits)
    assert len(system.units(here, ["haraka-in.service", "nftables.service"])["units"]) == 2


def test_a_unit_that_stays_failed_is_said_so(fake: Fake) -> None:
    systemctl(fake, FAILED, "haraka-in.service loaded failed failed Mail from the internet\n")
    said = system.units(fake.here, ["haraka-in.service"])
    assert (said["units"][0]["result"], said["failed"]) == ("exit-code", ["haraka-in.service"])


@pytest.mark.parametrize("printed", ["", "Failed to connect to bus", "\0\0\n\n\n"])
def test_systemctl_that_shows_nothing_is_a_reason(fake: Fake, printed: str) -> None:
    systemctl(fake, printed)
    with pytest.raises(CouldNotAsk):
        system.units(fake.here, ["haraka-in.service"])


@pytest.mark.parametrize(
    ("offset", "seconds"), [("+1.234ms", 0.001234), ("-12us", -12e-6), ("+2.5s", 2.5), ("n/a", None)]
)
def test_the_clock_is_set_by_a_server_of_timesyncd(fake: Fake, offset: str, seconds: float | None) -> None:
    fake.file("/proc/uptime", "1234.5 1000.0\n")
    fake.program("timedatectl", f"case $1 in show) echo yes ;; *) cat <<'E'\n{HEADING.format(offset)}E\nesac")
    said = system.clock(fake.here, {})
    assert said["server"] == "2a01:3f7:2:1::1 (2.debian.pool.ntp.org)"
    assert said["offset"] == pytest.approx(seconds)
    assert (said["synchronised"], said["now"], said["up"]) == (True, NOW, 1234.5)


def test_the_clock_may_be_chronys(fake: Fake) -> None:
    fake.file("/proc/uptime", "1234.5 1000.0\n")
    fake.program("timedatectl", "[ $1 = show ] && echo no")
    fake.says(
        "chronyc",
        "A29FC87B,time.example.net,3,1795000000.1,-0.000021,0.00001,0.00002,1.0,0.0,0.1,0.01,0.02,64,Normal\n",
    )
    said = system.clock(fake.here, {})
    assert (said["synchronised"], said["server"], said["offset"]) == (False, "time.example.net", -0.000021)


def test_a_clock_of_which_nobody_says_an_offset_has_none(fake: Fake) -> None:
    fake.file("/proc/uptime", "1234.5 1000.0\n")
    fake.program("timedatectl", "[ $1 = show ] && echo yes")
    assert system.clock(fake.here, {})["offset"] is None


def test_each_file_system_is_said_once(fake: Fake) -> None:
    fake.file("/var/lib/docker/x")
    (said,) = system.disks(fake.here, ["/", "/var/lib/docker", "/no/such/place"])
    found = os.statvfs(fake.folder)
    assert (said["place"], said["size"]) == ("/", found.f_blocks * found.f_frsize)


def test_memory_is_taken_at_its_best_moment(fake: Fake) -> None:
    text = "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: {} kB\nSwapTotal: 500 kB\nSwapFree: 400 kB\n"
    left = [30, 700, 20]
    fake.file("/proc/meminfo", text.format(left[0]))

    def passes(_seconds: float) -> None:
        left.pop(0)
        fake.file("/proc/meminfo", text.format(left[0]))

    here = fake.here.__class__(fake.here.root, fake.here.path, fake.here.now, passes)
    fake.says("journalctl", "", status=1)
    said = system.memory(here, {})
    assert (said["available"], said["swap_free"], said["killed"]) == (700 << 10, 400 << 10, [])


def test_what_the_kernel_killed_is_named(fake: Fake) -> None:
    fake.file("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    fake.says(
        "journalctl",
        "Memory cgroup out of memory: Killed process 812 (node) total-vm:1kB\n"
        "Out of memory: Killed process 99 (clamd) total-vm:1kB\n",
    )
    assert system.memory(fake.here, {})["killed"] == ["node", "clamd"]


def aged(path: Path, seconds: float) -> None:
    os.utime(path, (NOW - seconds, NOW - seconds))


def test_security_updates_are_told_from_others(fake: Fake) -> None:
    fake.says(
        "apt-get",
        "NOTE: This is only a simulation!\n"
        "Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian:13.2/stable [amd64])\n"
        "Inst openssl [3.5.1-1] (3.5.1-1+deb13u1 Debian-Security:13/stable-security [amd64])\n"
        "Conf openssl (3.5.1-1+deb13u1 Debian-Security:13/stable-security [amd64])\n",
    )
    for name, age in (("update-stamp", 7200), ("upgrade-stamp", 3600)):
        aged(fake.file(f"/var/lib/apt/periodic/{name}"), age)
    aged(fake.file("/etc/ssh/key"), 900_000)
    said = system.updates(fake.here, {"born": "/etc/ssh/key"})
    assert said == {"pending": ["openssl"], "lists": 7200.0, "upgraded": 3600.0, "born": 900_000.0}


def test_an_archive_that_was_never_asked_has_no_lists(fake: Fake) -> None:
    fake.says("apt-get", "")
    assert system.updates(fake.here, {"born": "/none"}) == {
        "pending": [],
        "lists": None,
        "upgraded": None,
        "born": None,
    }


def test_nixos_says_its_version_in_the_place_of_updates(fake: Fake) -> None:
    fake.file("/etc/NIXOS")
    fake.file("/run/current-system/nixos-version", "26.11.20260730.abc\n")
    assert system.updates(fake.here, {"born": "/none"}) == {"nixos": "26.11.20260730.abc", "pending": []}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ((), ""),
        (("/run/reboot-required",), "a package asks for it"),
        (("/boot/vmlinuz-6.12.9+deb13-amd64",), ""),
        (
            ("/boot/vmlinuz-6.12.9+deb13-amd64", "/boot/vmlinuz-6.12.48+deb13-amd64"),
            "it runs Linux 6.12.9+deb13-amd64, and has 6.12.48+deb13-amd64",
        ),
    ],
)
def test_a_reboot_is_due_for_a_reason(fake: Fake, files: tuple[str, ...], why: str) -> None:
    for path in files:
        fake.file(path)
    fake.says("uname", "6.12.9+deb13-amd64\n")
    assert system.reboot(fake.here, {}) == why


@pytest.mark.parametrize(("booted", "due"), [("one", ""), ("two", "it runs another kernel than its system has")])
def test_nixos_wants_a_reboot_for_another_kernel(fake: Fake, booted: str, due: str) -> None:
    fake.file("/etc/NIXOS")
    for which, target in (("current", "one"), ("booted", booted)):
        fake.file(f"/store/{target}/kernel")
        link = fake.folder / "root" / "run" / f"{which}-system"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(fake.folder / "root" / "store" / target)
    assert system.reboot(fake.here, {}) == due


def test_credentials_are_looked_at_from_outside_alone(fake: Fake) -> None:
    fake.file("/etc/credstore/mailcow.api-key", "secret word", 0o644)
    told = {"store": "/etc/credstore", "names": ["mailcow.api-key", "mailcow.dkim"]}
    said: Any = system.credentials(fake.here, told)
    first, second = said["credentials"]
    assert (first["there"], first["mode"], first["size"]) == (True, 0o644, 11)
    assert second == {"name": "mailcow.dkim", "there": False}
    assert "secret word" not in str(said)
