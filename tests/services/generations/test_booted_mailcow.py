"""Another Mailcow on a server with a real systemd and dpkg, confirmed or not: mailcow-setup is real, Docker is played.

Its containers write their release into the database when they start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mailnix.nar import nar_hash
from mailnix.services.generations.names import CHANGES
from mailnix.services.mailcow import scripts
from rig import container
from rig.container import Container
from rig.waiting import until
from tests.services.generations.scratch import deb, packed
from tests.services.generations.test_booted import PATIENCE, program, verb
from tests.services.mailcow.machine import OPENSSL, upstream

VOLUMES: Final = "/var/lib/docker/volumes"
NAMES: Final = ("mysql", "redis")
DOCKER: Final = f"""\
#!/bin/sh
case "$*" in
"volume inspect "*) cat /srv/volumes.json ;;
*compose*" up "*) for each in {" ".join(NAMES)}; do
    cat /var/lib/mailcow/docker-compose.yml >>{VOLUMES}/mailcow_$each-vol-1/_data/file
    done ;;
esac
"""
UNIT: Final = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/usr/lib/mailnix/mailcow-setup
ExecStart=/usr/local/bin/docker compose up --detach
ExecStop=/usr/local/bin/docker compose --project-directory /var/lib/mailcow down
Restart=on-failure
"""
CONF: Final = "MAILCOW_HOSTNAME=mail.example.org\nCOMPOSE_PROJECT_NAME=mailcow\n"
POSTINST: Final = """\
#!/bin/sh
set -e
chmod 755 /usr/lib/mailnix/mailcow-setup
if [ -z "$SYSTEMD_OFFLINE" ]; then
    systemctl daemon-reload
    systemctl start --no-block mailcow.service
    systemctl try-restart --no-block mailcow.service
fi
"""
"""As activation does."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    if why := container.seldom():
        pytest.skip(why)
    with container.server(tmp_path_factory.mktemp("server"), name="mailcow") as made:
        (made.root / "etc/apt/sources.list").write_text("")
        (made.root / "root/debs").mkdir()
        program(made.root / "root/debs")
        for release in ("one", "two"):
            upstream(made.root / f"srv/{release}", release=release)
        found = []
        for name in NAMES:
            folder = f"{VOLUMES}/mailcow_{name}-vol-1/_data"
            (made.root / folder[1:]).mkdir(parents=True)
            found.append({"Name": f"mailcow_{name}-vol-1", "Mountpoint": folder, "Driver": "local", "Options": None})
        (made.root / "srv/volumes.json").write_text(json.dumps(found))
        for name, text in (("docker", DOCKER), ("openssl", OPENSSL), ("udevadm", "#!/bin/sh\n")):
            (made.root / f"usr/local/bin/{name}").write_text(text)
            (made.root / f"usr/local/bin/{name}").chmod(0o755)
        made.boot()
        made.sh("dpkg --install /root/debs/*.deb")
        yield made


def receive(server: Container, folder: Path, number: int, release: str) -> None:
    """A generation with that Mailcow."""
    rev, tree = f"rev-of-{release}", server.root / f"srv/{release}"
    source = {"tag": release, "rev": rev, "nar_hash": nar_hash(tree), "url": "file:///nowhere"}
    config = {"hostname": "mail.example.org", "secrets": {}, "source": source, "changes": CHANGES}
    files = {
        "etc/mailnix/mailcow.json": json.dumps({**config, "paths": {"source": f"/srv/{release}"}}),
        "etc/mailnix/mailcow/mailcow.conf": CONF,
        "usr/lib/mailnix/mailcow-setup": scripts.starters()["mailcow-setup"],
        "etc/systemd/system/mailcow.service": UNIT,
        **{f"usr/lib/mailnix/mailcow/{name}": text for name, text in scripts.modules().items()},
    }
    links = {"etc/systemd/system/multi-user.target.wants/mailcow.service": "../mailcow.service"}
    made = deb(folder, "mailnix-proxy", str(number), files, {"postinst": POSTINST}, links=links)
    verb(server, f"receive {number}", packed(number, [made]).getvalue())


def wrote(server: Container) -> list[str]:
    """Releases that have written into the database that is in use, once Mailcow runs."""
    until(lambda: server.out("systemctl is-active mailcow") == "active", "Mailcow runs", PATIENCE)
    mysql, redis = (server.out(f"cat {VOLUMES}/mailcow_{name}-vol-1/_data/file") for name in NAMES)
    assert mysql == redis
    return [line.removeprefix("# ") for line in mysql.splitlines()]


def switched(server: Container, number: int, more: str = "") -> None:
    """The new one runs, and waits for its confirmation."""
    verb(server, f"switch {number} --within 300 --id of-{number}{more}")
    until(lambda: server.out("systemctl list-jobs --no-legend") in ("", "No jobs running."), "no job waits", PATIENCE)


def test_the_old_one_runs(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, 1, "one")
    switched(server, 1)
    verb(server, "confirm 1 --id of-1")
    assert wrote(server) == ["one"]


def test_what_is_taken_back_leaves_the_old_one_with_its_database(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, 2, "two")
    switched(server, 2)
    assert wrote(server) == ["one", "two"]
    verb(server, "back")
    until(lambda: wrote(server) == ["one", "one"], "the old one has its own", PATIENCE)


def test_so_does_a_power_cut(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, 3, "two")
    switched(server, 3)
    assert wrote(server) == ["one", "one", "two"]
    server.cut_power()
    server.boot()
    until(lambda: wrote(server) == ["one", "one", "one"], "the old one has its own", PATIENCE)


def test_what_is_confirmed_stays_and_goes_back_on_purpose_alone(server: Container, tmp_path: Path) -> None:
    receive(server, tmp_path, 4, "two")
    switched(server, 4)
    verb(server, "confirm 4 --id of-4")
    assert wrote(server)[-1] == "two"
    switched(server, 1, " --databases")
    verb(server, "confirm 1 --id of-1")
    assert "two" not in wrote(server)
