"""mailcow-backup and mailcow-restore on real tables: what people make in Mailcow's pages is in it, and comes back."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from mailnix.services.mailcow import units
from mailnix.services.mailcow.guest.backups import DATASETS
from rig.mailcow import Mailcow
from rig.mailcow.systemd import PROVISION, systemd
from tests.real import pages
from tests.real.said import changes

FOLDER = "/var/backups/mailnix/mailcow"
LIST = f"data/conf/rspamd/custom/{pages.MAP}"
STAND_STILL = ("vmail", "crypt", "rspamd", "postfix", "vmail-index")
"""Volumes of containers that do not run here."""


@frozen
class Backup:
    """A backup's folder, as it is reached from here, and what the pages showed when it was made."""

    folder: Path
    seen: Mapping[str, Any]


@pytest.fixture(scope="module")
def backup(provisioned: Mailcow) -> Iterator[Backup]:
    """Made after somebody has made all that can be made in the pages; that is gone in the end."""
    provisioned.once("rspamd")  # whose entrypoint lets the pages write its lists
    api = provisioned.api()
    for call in pages.MADE:
        pages.do(api, call)
    for name in STAND_STILL:
        volume = f"/var/lib/docker/volumes/mailcowdockerized_{name}-vol-1/_data"
        provisioned.space.path(volume).mkdir(parents=True, exist_ok=True)
    seen = pages.seen(api)
    provisioned.program("mailcow-backup", timeout=600)
    (made,) = provisioned.space.path(FOLDER).glob("mailcow-*")
    yield Backup(made, seen)
    for call in pages.undone(api):
        api.call(*call)


def test_it_is_whole_and_has_each_archive(backup: Backup) -> None:
    names = {path.name for path in backup.folder.iterdir()}
    assert {"SHA256SUMS", "mailcow.conf", "certificates.tar.gz", "pages.tar.gz"} <= names
    assert {f"{each.archive}.tar.zst" for each in DATASETS} <= names


@pytest.mark.parametrize(
    ("table", "content"),
    [
        ("filterconf", b"*@noise.example"),
        ("sieve_filters", b"keep; # before"),
        ("settingsmap", b"made in the pages"),
        ("mailbox", b'"quarantine_notification": "daily"'),
    ],
)
def test_the_database_in_it_has_what_is_made_in_the_pages(
    provisioned: Mailcow, backup: Backup, table: str, content: bytes
) -> None:
    archive = f"{FOLDER}/{backup.folder.name}/backup_mariadb.tar.zst"
    provisioned.space.run(["sh", "-c", f"zstd -dcf {archive} > /tmp/mariadb.tar"])
    with tarfile.open(provisioned.space.path("/tmp/mariadb.tar")) as found:
        (name,) = [name for name in found.getnames() if name.endswith(f"mailcow/{table}.ibd")]
        file = found.extractfile(name)
        assert file is not None
        assert content in file.read()


def test_a_restore_brings_all_of_it_back(provisioned: Mailcow, backup: Backup) -> None:
    api = provisioned.api()
    for call in pages.undone(api):
        pages.do(api, call)
    pages.do(
        api, ("add/domain-policy", {"domain": "example.org", "object_list": "wl", "object_from": "late@b.example"})
    )
    lost = pages.seen(api)
    assert [what for what, value in backup.seen.items() if lost[what] == value] == []
    with systemd(provisioned) as asked:
        provisioned.program("mailcow-restore", "latest", "--yes", timeout=600)
    assert [words for words in asked if not words.startswith("show")] == [
        f"stop {units.MAILCOW}",
        f"start {units.MAILCOW}",
        f"start {PROVISION}",
    ]
    assert pages.seen(api) == backup.seen
    assert (provisioned.tree / LIST).read_text("utf-8").strip() == pages.SPAMMER
    assert changes(provisioned.provision()) == 0
