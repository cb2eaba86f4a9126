"""mailcow-restore, given a backup that Mailcow's own script made by itself, on real tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mailnix.services.mailcow import units
from mailnix.services.mailcow.guest.backup import SCRIPT
from mailnix.services.mailcow.guest.backups import DATASETS, SUMS
from mailnix.services.mailcow.guest.volumes import INDEX
from rig.mailcow import Mailcow, mailcow
from tests.real.description import DESCRIPTION
from tests.real.logins import accepted

FOLDER: Final = "/var/backups/theirs"
ALIAS: Final = "postmaster@example.org"
ALICE: Final = "alice@example.org"
NOTHING: Final = "#!/bin/sh\n# In systemd's place: the test stops and starts what runs.\n"


@pytest.fixture(scope="module")
def machine(mailcow_tree: Path) -> Iterator[Mailcow]:
    """A provisioned Mailcow of its own, with all volumes, also of containers that do not run here."""
    with mailcow(DESCRIPTION, mailcow_tree) as running:
        running.provision()
        for volume in {INDEX, *(dataset.volume for dataset in DATASETS)}:
            place = running.space.path(f"/var/lib/docker/volumes/mailcowdockerized_{volume}/_data")
            place.mkdir(parents=True, exist_ok=True)
        systemctl = running.space.path("/usr/local/bin/systemctl")
        systemctl.write_text(NOTHING)
        systemctl.chmod(0o755)
        yield running


@pytest.fixture(scope="module")
def theirs(machine: Mailcow) -> str:
    """The backup's folder, on the machine."""
    words = ["bash", f"{units.ROOT}/{SCRIPT}", "backup", "all"]
    machine.space.run(["mkdir", "-p", FOLDER])
    machine.space.run(words, environment={"MAILCOW_BACKUP_LOCATION": FOLDER}, check=False, timeout=300)
    (made,) = machine.space.path(FOLDER).glob("mailcow-*")
    assert not (made / SUMS).exists()
    return f"{FOLDER}/{made.name}"


def aliases(machine: Mailcow) -> dict[str, int]:
    return {row["address"]: row["id"] for row in machine.api().rows("get/alias/all")}


def test_it_is_found_whole_and_nothing_is_touched(machine: Mailcow, theirs: str) -> None:
    done = machine.program("mailcow-restore", theirs, check=False)
    assert done.status == 2, done.stdout
    assert f"{theirs} is whole: {len(DATASETS)} archives" in done.stdout
    assert "Mailcow's own script made it" in done.stdout


def test_what_was_then_is_there_again(machine: Mailcow, theirs: str) -> None:
    machine.api().call("delete/alias", [aliases(machine)[ALIAS]])
    machine.api().call("delete/mailbox", [ALICE])
    assert ALIAS not in aliases(machine)
    machine.stop()
    machine.program("mailcow-restore", theirs, "--yes")
    machine.program("mailcow-setup")
    machine.web_up()
    assert ALIAS in aliases(machine)
    password = json.loads(machine.secret("mailcow.mailboxes"))[ALICE]
    assert accepted(machine, ALICE, password, "imap")
    assert machine.provision().stdout.strip().splitlines()[-1] == "0 changes, 0 refused"
