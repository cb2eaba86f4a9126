"""The program on a server with a real systemd, dpkg and apt (rig/container.py); the tests tell its life in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from mailnix.run import Completed, run
from mailnix.services.firewall.debian import UNIT as FIREWALL
from mailnix.services.generations import debian, names
from mailnix.tree import File, Link
from rig import container
from rig.container import Container
from rig.waiting import until
from tests.services.generations.scratch import DEBIANS, SECRET, deb, packed

SLOW: Final = 7
"""The generation whose installation can be interrupted: its script waits."""

BROKEN: Final = 4
PATIENCE: Final = 120.0  # seconds; others work here, too
WAITS: Final = "touch /run/waits; sleep 600"
RUN: Final = """\
#!/bin/sh
set -e
systemctl daemon-reload
systemctl restart every.service only-{number}.service
{more}
"""
GONE: Final = """\
#!/bin/sh
set -e
if [ "$1" = remove ]; then systemctl stop every.service {only}; fi
systemctl daemon-reload
"""
EARLY: Final = """\
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c 'echo {number} >> /run/loaded'
"""
"""As the firewall's."""

UNIT: Final = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={program}\nLoadCredential={secret}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A plain one, with an archive that has one package, and our program."""
    if why := container.seldom():
        pytest.skip(why)
    with container.server(tmp_path_factory.mktemp("server"), name="generations") as made:
        archive(made.root / "srv/archive")
        (made.root / "etc/apt/sources.list").write_text("deb [trusted=yes] copy:/srv/archive ./\n")
        (made.root / "root/debs").mkdir()
        program(made.root / "root/debs")
        made.boot()
        made.sh("dpkg --install /root/debs/*.deb")
        yield made


def archive(folder: Path, version: str = DEBIANS[1], script: str = "") -> None:
    """apt's, as apt-ftparchive(1) would describe it; `script` is run when the package is configured."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {"postinst": f"#!/bin/sh\nset -e\n{script}\n"}
    path = deb(folder, DEBIANS[0], version, {"usr/bin/caddy": version}, scripts)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = {"Filename": path.name, "Size": path.stat().st_size, "SHA256": digest}
    fields = run(["dpkg-deb", "--field", path]).stdout
    (folder / "Packages").write_text(fields + "".join(f"{key}: {value}\n" for key, value in facts.items()))


def program(folder: Path) -> None:
    """Our package."""
    root = folder / "tree"
    for entry in debian.files():
        place = root / entry.path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        match entry:
            case File():
                place.write_bytes(entry.data)
                place.chmod(entry.mode)
            case Link():
                place.symlink_to(entry.target)
    deb(folder, names.PACKAGE, debian.version(), {}, debian.SCRIPTS, ", ".join(debian.DEPENDS), tree=root)


def receive(server: Container, folder: Path, number: int, more: str = "", runs: str = "/bin/sleep infinity") -> Any:
    """A generation with one unit that each has, and one that it alone has."""
    units = ("every.service", f"only-{number}.service")
    text = UNIT.format(program=runs, secret=SECRET)
    files = {"etc/generation": str(number), **{f"etc/systemd/system/{unit}": text for unit in units}}
    files[f"etc/systemd/system/{FIREWALL}"] = EARLY.format(number=number)
    links = {f"etc/systemd/system/multi-user.target.wants/{unit}": f"../{unit}" for unit in units}
    links[f"etc/systemd/system/sysinit.target.wants/{FIREWALL}"] = f"../{FIREWALL}"
    scripts = {
        "postinst": RUN.format(number=number, more=more),
        "prerm": f"#!/bin/sh\nsystemctl stop only-{number}.service\n",
        "postrm": GONE.format(only=f"only-{number}.service"),
    }
    made = deb(folder, "mailnix-proxy", str(number), files, scripts, DEBIANS[0], links=links)
    return verb(server, f"receive {number}", packed(number, [made], {SECRET: str(number)}).getvalue())


def said(server: Container, words: str, stdin: bytes | None = None) -> Completed:
    return server.sh(f"{names.PROGRAM} {words}", check=False, stdin=stdin)


def verb(server: Container, words: str, stdin: bytes | None = None) -> Any:
    done = said(server, words, stdin)
    assert done.status == 0, done.stderr
    return json.loads(done.stdout)


def runs(server: Container, number: int) -> None:
    """Whether a generation is there whole, and nothing of another."""
    assert server.out("cat /etc/generation /etc/credstore/*") == f"{number}{number}"
    assert server.out("dpkg-query -W -f '${Version} ${db:Status-Status}' mailnix-proxy") == f"{number} installed"
    assert server.out("dpkg --audit") == ""
    active = "systemctl list-units --plain --no-legend --state=active 'every.service' 'only-*'"
    assert server.out(f"{active} | cut -d' ' -f1").split() == ["every.service", f"only-{number}.service"]
    pid = "$(systemctl show --property=MainPID --value every.service)"
    assert server.out(f"cat /run/credentials/every.service/{SECRET}; kill -0 {pid} && echo") == str(number)
    status = verb(server, "status")
    assert (status["current"], status["pending"], status["drift"]) == (number, None, [])


def installing(server: Container, number: int) -> None:
    """Begin, and wait until its script runs."""
    server.sh(f"rm -f /run/waits; systemd-run --quiet {names.PROGRAM} switch {number} --within 60 --id {number}")
    until(lambda: server.out("ls /run/waits") != "", f"generation {number} is being installed", PATIENCE)


def test_what_is_not_confirmed_leaves_the_server_as_it_was(server: Container, tmp_path: Path) -> None:
    packages = server.out("dpkg-query -W")
    coming = receive(server, tmp_path, 1)
    assert coming == {
        "packages": {"new": [["caddy", "9:2.6-1"], ["mailnix-proxy", "1"]], "upgrade": [], "remove": []},
        "credentials": [SECRET],
        "warnings": [],
    }
    assert verb(server, "switch 1 --within 2 --id a") == {"step": "installed", "within": 2}
    until(lambda: verb(server, "status")["pending"] is None, "it is taken back", PATIENCE)
    assert server.out("dpkg-query -W") == packages
    assert server.out("ls /etc/credstore /etc/generation /usr/bin/caddy") == "/etc/credstore:"
    assert "only-1" not in server.out("systemctl list-units --all")


def test_what_is_confirmed_stays(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, 2)
    verb(server, "switch 2 --within 60 --id b")
    assert verb(server, "confirm 2 --id b") == {"current": 2}
    runs(server, 2)


def test_the_same_again_repairs_what_was_changed_by_hand(server: Container) -> None:
    server.sh("echo by hand >/etc/generation")
    assert verb(server, "status")["drift"] == ["/etc/generation"]
    verb(server, "switch 2 --within 60 --id again")
    verb(server, "confirm 2 --id again")
    runs(server, 2)


def test_a_unit_that_fails_takes_it_back(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, BROKEN, runs="/bin/false")
    done = said(server, f"switch {BROKEN} --within 60 --id c")
    assert done.status == 1
    assert f"taken back: failed: every.service, only-{BROKEN}.service" in done.stderr
    runs(server, 2)


def test_a_dependency_that_cannot_be_had_is_refused_by_name(server: Container, tmp_path: Path) -> None:
    made = deb(tmp_path, "mailnix-proxy", "5", {"x": "x"}, depends="nosuch")
    done = said(server, "receive 5", packed(5, [made]).getvalue())
    assert (done.status, "mailnix-proxy : Depends: nosuch" in done.stderr) == (1, True)


def test_what_kills_the_keeper_in_the_middle_is_undone(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, SLOW, more=WAITS)
    installing(server, SLOW)
    server.sh(f"kill -9 $(systemctl show --property=MainPID --value {names.KEEPER})")
    until(lambda: verb(server, "status")["pending"] is None, "it is taken back", PATIENCE)
    runs(server, 2)


def test_a_power_cut_in_the_middle_is_undone_by_the_next_boot(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, SLOW + 1, more=WAITS)
    installing(server, SLOW + 1)
    assert server.out("cat /etc/generation") == str(SLOW + 1)
    server.cut_power()
    server.boot()
    runs(server, 2)
    assert server.out("cat /run/loaded") == "2"
    assert server.out(f"systemctl is-active {names.BOOT}") == "active"
    assert "ordering cycle" not in server.out("journalctl --boot")


def test_a_power_cut_before_it_is_confirmed_is_undone_by_the_next_boot(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, SLOW + 2)
    verb(server, f"switch {SLOW + 2} --within 600 --id d")
    server.cut_power()
    server.boot()
    runs(server, 2)


NEWER: Final = "9:2.6-3"


def test_debians_packages_are_upgraded_by_a_unit_that_outlives_whoever_asked(server: Container) -> None:
    archive(server.root / "srv/archive", NEWER, "sleep 5")
    found = verb(server, "upgrades")
    assert found == {"packages": [["caddy", DEBIANS[1], NEWER, False]], "reboot": ""}
    assert server.sh(f"timeout --signal=KILL 2 {names.PROGRAM} upgrade", check=False).status != 0
    assert server.out("cat /usr/bin/caddy") == NEWER
    done = said(server, "upgrades")
    assert (done.status, "an upgrade is under way" in done.stderr) == (4, True)
    until(lambda: said(server, "upgrades").status == 0, "it has ended", PATIENCE)
    assert server.out("dpkg-query -W -f '${Version} ${db:Status-Status}' caddy") == f"{NEWER} installed"
    assert verb(server, "upgrades")["packages"] == []


def test_an_upgrade_is_waited_for_and_what_went_wrong_is_said(server: Container) -> None:
    archive(server.root / "srv/archive", "9:2.6-4", "exit 1")
    done = said(server, "upgrade")
    assert done.status == 1
    assert "Debian's packages were not upgraded: dpkg: error processing package caddy" in done.stderr
    archive(server.root / "srv/archive", "9:2.6-5")
    server.sh("apt-get update && apt-get --yes install caddy")
    archive(server.root / "srv/archive", "9:2.6-6")
    assert verb(server, "upgrade")["packages"] == [["caddy", "9:2.6-5", "9:2.6-6", False]]
    assert server.out("dpkg-query -W -f '${Version}' caddy") == "9:2.6-6"


def test_what_is_still_starting_is_begun_anew_by_try_restart(server: Container) -> None:
    """Going back from a Mailcow that never comes up relies on it: activation says no more than that."""
    server.sh("systemd-run --no-block --service-type=oneshot --unit=starts sleep 600")
    until(lambda: server.out("systemctl is-active starts") == "activating", "it is starting", PATIENCE)
    pid = server.out("systemctl show --property=MainPID --value starts")
    server.sh("systemctl try-restart --no-block starts")
    until(lambda: server.out("systemctl show --property=MainPID --value starts") not in (pid, "0"), "it starts anew")
