"""The database: Mailcow's tables, as far as they matter, in SQLite. Postfix and Dovecot read the same file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from .words import Row

SCHEMA = """
CREATE TABLE IF NOT EXISTS domain (
  domain TEXT COLLATE NOCASE PRIMARY KEY, description TEXT, aliases INTEGER, mailboxes INTEGER, defquota INTEGER,
  maxquota INTEGER, quota INTEGER, relayhost INTEGER DEFAULT 0, backupmx INTEGER, gal INTEGER,
  relay_all_recipients INTEGER, relay_unknown_only INTEGER, active INTEGER,
  created TEXT DEFAULT CURRENT_TIMESTAMP, modified TEXT);
CREATE TABLE IF NOT EXISTS mailbox (
  username TEXT COLLATE NOCASE PRIMARY KEY, password TEXT, name TEXT, quota INTEGER, local_part TEXT COLLATE NOCASE,
  domain TEXT COLLATE NOCASE, attributes TEXT, authsource TEXT, active INTEGER,
  created TEXT DEFAULT CURRENT_TIMESTAMP, modified TEXT);
CREATE TABLE IF NOT EXISTS alias (
  id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT COLLATE NOCASE UNIQUE, goto TEXT COLLATE NOCASE,
  domain TEXT COLLATE NOCASE, public_comment TEXT, private_comment TEXT, sogo_visible INTEGER DEFAULT 1,
  internal INTEGER DEFAULT 0, sender_allowed INTEGER DEFAULT 1, active INTEGER,
  created TEXT DEFAULT CURRENT_TIMESTAMP, modified TEXT);
CREATE TABLE IF NOT EXISTS alias_domain (
  alias_domain TEXT COLLATE NOCASE PRIMARY KEY, target_domain TEXT COLLATE NOCASE, active INTEGER,
  created TEXT DEFAULT CURRENT_TIMESTAMP, modified TEXT);
CREATE TABLE IF NOT EXISTS sieve_filters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT COLLATE NOCASE, script_desc TEXT, script_name TEXT,
  script_data TEXT, filter_type TEXT);
CREATE TABLE IF NOT EXISTS sender_acl (logged_in_as TEXT COLLATE NOCASE, send_as TEXT COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS app_passwd (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, mailbox TEXT COLLATE NOCASE, domain TEXT, password TEXT, digest TEXT,
  imap_access INTEGER, smtp_access INTEGER, eas_access INTEGER, dav_access INTEGER, pop3_access INTEGER,
  sieve_access INTEGER, active INTEGER, created TEXT DEFAULT CURRENT_TIMESTAMP, modified TEXT);
CREATE TABLE IF NOT EXISTS tags (kind TEXT, object TEXT COLLATE NOCASE, tag TEXT, UNIQUE (kind, object, tag));
CREATE TABLE IF NOT EXISTS admin (
  username TEXT COLLATE NOCASE PRIMARY KEY, password TEXT, attributes TEXT, active INTEGER,
  created TEXT DEFAULT CURRENT_TIMESTAMP);
"""


class Store:
    """The open database; a change is complete when the call returns."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        """For what others read beside the database."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o777)  # readers of a database in WAL mode need its -shm file beside it
        new = not path.exists()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(SCHEMA)
        if new:
            # The password that every Mailcow has at first: admin, moohoo.
            self.run("INSERT INTO admin (username, password, active) VALUES ('admin', '{PLAIN}moohoo', 1)")
        for file in path.parent.glob(f"{path.name}*"):
            file.chmod(0o666)

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Change something; gives the id of a new row."""
        return self._connection.execute(sql, values).lastrowid or 0

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """What is found."""
        return [dict(row) for row in self._connection.execute(sql, values)]

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first that is found."""
        return next(iter(self.rows(sql, values)), None)

    def number(self, sql: str, values: Sequence[object] = ()) -> int:
        """The one number that is asked for; 0 for NULL."""
        value = self._connection.execute(sql, values).fetchone()[0]
        return int(value or 0)

    def set_tags(self, kind: str, name: str, tags: Sequence[str]) -> None:
        """Add tags to an object."""
        for tag in tags:
            self.run("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", (kind, name, tag))

    def drop_tags(self, kind: str, name: str, tags: Sequence[str]) -> None:
        """Take tags from an object."""
        for tag in tags:
            self.run("DELETE FROM tags WHERE kind = ? AND object = ? AND tag = ?", (kind, name, tag))

    def tags(self, kind: str, name: object) -> list[object]:
        """The tags of an object."""
        found = self.rows("SELECT tag FROM tags WHERE kind = ? AND object = ? ORDER BY rowid", (kind, name))
        return [row["tag"] for row in found]
