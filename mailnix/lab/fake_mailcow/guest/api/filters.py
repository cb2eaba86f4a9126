"""Sieve filters that are made through Mailcow: kept and shown, not run, for the Dovecot here has no sieve.

Of each mailbox and type one is active at most: making another one active puts it aside.
"""

from __future__ import annotations

from .store import Store
from .words import Answer, Attributes, Refused, Row, danger, given, integer, several, success, text

TEXTS = ("script_data", "script_desc", "filter_type")
TYPES = ("prefilter", "postfilter")


class Filters:
    """The filters in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for file in store.folder.glob("*/*.sieve"):  # of a database before this one: a restore brings that alone
            file.unlink()
        for row in store.rows("SELECT DISTINCT username FROM sieve_filters"):
            self.lay(str(row["username"]))

    def lay(self, username: str) -> None:
        """Bring the files of a mailbox to what the database says. (Mailcow's Dovecot asks that itself.)"""
        for kind in TYPES:
            sql = "SELECT script_data FROM sieve_filters WHERE username = ? AND filter_type = ? AND script_name = ?"
            active = self._store.row(sql, (username, kind, _name(active=True)))
            file = self._store.folder / kind / f"{username.lower().replace('/', '')}.sieve"
            if active is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(exist_ok=True)
                file.write_text(str(active["script_data"]))

    def add(self, attributes: Attributes) -> list[Answer]:
        """A new filter of a mailbox."""
        username = text(attributes, "username")
        if not username:
            raise Refused("no_user_defined")
        if not self._store.row("SELECT 1 FROM mailbox WHERE username = ?", (username,)):
            raise Refused("access_denied")
        values = {name: text(attributes, name) for name in TEXTS}
        if not values["script_data"]:
            raise Refused("script_empty")
        if not values["script_desc"]:
            raise Refused("value_missing")
        if values["filter_type"] not in TYPES:
            raise Refused("filter_type")
        active = bool(integer(attributes.get("active")))
        self._make_room(username, values["filter_type"], active=active)
        self._store.run(
            "INSERT INTO sieve_filters (username, script_data, script_desc, filter_type, script_name)"
            " VALUES (?, ?, ?, ?, ?)",
            (username, *values.values(), _name(active=active)),
        )
        self.lay(username)
        return [success("mailbox_modified", username)]

    def _make_room(self, username: str, kind: str, *, active: bool) -> None:
        if active:
            sql = "UPDATE sieve_filters SET script_name = 'inactive' WHERE username = ? AND filter_type = ?"
            self._store.run(sql, (username, kind))

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change filters, named by id; what is not named stays."""
        answers = []
        for item in several(items):
            now = self.details(integer(item))
            values = {name: attributes.get(name) or now.get(name) for name in TEXTS}
            if not now:
                answers.append(danger("access_denied"))
            elif values["filter_type"] not in TYPES:
                answers.append(danger("filter_type"))
            else:
                active = bool(given(attributes, "active", now["active"]))
                self._make_room(str(now["username"]), str(values["filter_type"]), active=active)
                sql = "UPDATE sieve_filters SET script_data = ?, script_desc = ?, filter_type = ?, script_name = ?"
                self._store.run(f"{sql} WHERE id = ?", (*values.values(), _name(active=active), now["id"]))
                self.lay(str(now["username"]))
                answers.append(success("mailbox_modified", now["username"]))
        return answers

    def delete(self, items: object) -> list[Answer]:
        """Remove filters, named by id."""
        answers = []
        for item in several(items):
            now = self.details(integer(item))
            if now:
                self._store.run("DELETE FROM sieve_filters WHERE id = ?", (integer(item),))
                self.lay(str(now["username"]))
                answers.append(success("delete_filter", str(item)))
            else:
                answers.append(danger("access_denied"))
        return answers

    def of(self, username: str) -> list[Row]:
        """A mailbox's filters."""
        rows = self._store.rows("SELECT id FROM sieve_filters WHERE username = ? ORDER BY id", (username,))
        return [self.details(integer(row["id"])) for row in rows]

    def details(self, number: int) -> Row:
        """A filter as Mailcow shows it; empty where there is none."""
        row = self._store.row("SELECT * FROM sieve_filters WHERE id = ?", (number,))
        if row is None:
            return {}
        shown = ("id", "username", "filter_type", "script_data", "script_desc")
        return {"active": int(row["script_name"] == "active"), **{name: row[name] for name in shown}}


def _name(*, active: bool) -> str:
    return "active" if active else "inactive"
