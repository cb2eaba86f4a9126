"""What Dovecot reads beside the database: the active filters, and who has which password for a program."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from mailnix.lab.fake_mailcow.build import tree
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import DATABASE
from mailnix.lab.fake_mailcow.guest.api.store import Store
from tests.lab.fake_mailcow.conftest import HOST, FakeRedis, Get, Post

DOVECOT = tree()["data/conf/dovecot/dovecot.conf"].decode()
FILTER = {"username": "alice@example.org", "active": 1, "script_desc": "x", "filter_type": "prefilter"}


@pytest.fixture
def file(database: Path) -> Path:
    return database.parent / "prefilter" / "alice@example.org.sieve"


@pytest.mark.usefixtures("filled")
class TestFilters:
    def test_an_active_one_lies_where_dovecot_runs_it(self, post: Post, file: Path) -> None:
        post("add/filter", {**FILTER, "script_data": "keep;"})
        assert file.read_text() == "keep;"
        folder = f"{DATABASE.parent}/{file.parent.name}"
        assert f"path = {folder}/%{{user}}.sieve\n" in DOVECOT

    def test_a_changed_one_is_changed_there_too(self, post: Post, get: Get, file: Path) -> None:
        post("add/filter", {**FILTER, "script_data": "keep;"})
        (number,) = (row["id"] for row in get("get/filters/alice@example.org"))
        post("edit/filter", {"items": [number], "attr": {"script_data": "stop;"}})
        assert file.read_text() == "stop;"
        post("edit/filter", {"items": [number], "attr": {"active": 0}})
        assert not file.exists()

    def test_one_of_several_is_active(self, post: Post, file: Path) -> None:
        for text in ("keep;", "stop;"):
            post("add/filter", {**FILTER, "script_data": text})
        assert file.read_text() == "stop;"
        post("add/filter", {**FILTER, "script_data": "discard;", "active": 0})
        assert file.read_text() == "stop;"

    @pytest.mark.parametrize("kind", ["filter", "mailbox"])
    def test_it_goes_with_its_row_and_with_its_mailbox(self, post: Post, get: Get, file: Path, kind: str) -> None:
        post("add/filter", {**FILTER, "script_data": "keep;"})
        (number,) = (row["id"] for row in get("get/filters/alice@example.org"))
        post(f"delete/{kind}", [number if kind == "filter" else "alice@example.org"])
        assert not file.exists()

    def test_a_database_that_was_restored_brings_its_own(
        self, post: Post, store: Store, redis: FakeRedis, file: Path
    ) -> None:
        post("add/filter", {**FILTER, "script_data": "keep;"})
        file.unlink()
        other = file.with_name("gone@example.org.sieve")
        other.write_text("stop;")
        Routes(store, redis, HOST, str)
        assert file.read_text() == "keep;"
        assert not other.exists()


@pytest.mark.usefixtures("filled")
def test_a_password_for_a_program_is_found_by_its_digest_which_nobody_is_shown(
    post: Post, get: Get, database: Path
) -> None:
    words = {"app_passwd": "phone-1", "app_passwd2": "phone-1", "protocols": ["imap_access"], "active": 1}
    post("add/app-passwd", {"username": "alice@example.org", "app_name": "phone", **words})
    (shown,) = get("get/app-passwd/all/alice@example.org")
    assert "digest" not in shown
    query = DOVECOT.split("sql_query = ")[1].split("\n}")[0].replace("\\\n", " ")
    digest = hashlib.sha256(b"phone-1").hexdigest()
    assert "%{password | sha256 | hexlify}" in query
    for protocol, found in (("imap", [("alice@example.org", None, "Y")]), ("smtp", [])):
        asked = query.replace("%{user}", "alice@example.org").replace("%{password | sha256 | hexlify}", digest)
        with sqlite3.connect(database) as connection:
            assert connection.execute(asked.replace("%{protocol}", protocol)).fetchall() == found
