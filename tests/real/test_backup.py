"""mailcow-backup by Mailcow's own script, on real tables: also what is made in Mailcow's pages is in it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest.backups import DATASETS
from rig.mailcow import Mailcow

FOLDER = "/var/backups/mailnix/mailcow"
FILTER = 'require "fileinto"; keep; # made-in-the-pages'


@pytest.fixture(scope="module")
def backup(provisioned: Mailcow) -> Path:
    """A backup's folder, made after somebody has made a filter, as it is reached from here."""
    api = provisioned.api()
    sieve = {"username": "alice@example.org", "filter_type": "prefilter", "script_data": FILTER, "active": 1}
    assert api.call("add/filter", {**sieve, "script_desc": "made in the pages"}).body[0]["type"] == "success"
    for name in ("vmail", "crypt", "rspamd", "postfix", "vmail-index"):  # volumes of containers that do not run here
        provisioned.space.path(f"/var/lib/docker/volumes/mailcowdockerized_{name}-vol-1/_data").mkdir(
            parents=True, exist_ok=True
        )
    provisioned.program("mailcow-backup", timeout=600)
    (made,) = provisioned.space.path(FOLDER).glob("mailcow-*")
    return made


def test_it_is_whole_and_has_each_archive(backup: Path) -> None:
    names = {path.name for path in backup.iterdir()}
    assert {"SHA256SUMS", "mailcow.conf", "certificates.tar.gz"} <= names
    assert {f"{each.archive}.tar.zst" for each in DATASETS} <= names


def test_the_database_in_it_has_what_is_made_in_the_pages(provisioned: Mailcow, backup: Path) -> None:
    archive = Path(FOLDER) / backup.name / "backup_mariadb.tar.zst"
    provisioned.space.run(["sh", "-c", f"zstd -dcf {archive} > /tmp/mariadb.tar"])
    with tarfile.open(provisioned.space.path("/tmp/mariadb.tar")) as found:
        (table,) = [name for name in found.getnames() if name.endswith("mailcow/sieve_filters.ibd")]
        content = found.extractfile(table)
        assert content is not None
        assert b"made-in-the-pages" in content.read()
