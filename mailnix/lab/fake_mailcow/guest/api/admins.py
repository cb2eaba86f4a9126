"""Mailcow's administrators; there is always one called admin."""

from __future__ import annotations

import json

from .passwords import Hasher, checked
from .store import Store
from .words import Answer, Attributes, Refused, Row, danger, given, integer, several, success


class Admins:
    """The administrators in the database."""

    def __init__(self, store: Store, hasher: Hasher) -> None:
        self._store = store
        self._hash = hasher

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change administrators. The switches that are not sent become 0."""
        answers = []
        for name in map(str, several(items)):
            try:
                answers.append(self._edit(name, attributes))
            except Refused as refusal:
                answers.append(danger(refusal.message))
        return answers

    def _edit(self, name: str, attributes: Attributes) -> Answer:
        now = self.details(name)
        if not now:
            return danger("access_denied")
        active = given(attributes, "active", now["active"])
        if not active and self._store.number("SELECT COUNT(*) FROM admin WHERE active = 1") == 1:
            return {"type": "warning", "msg": "no_active_admin"}
        if attributes.get("password"):
            password = self._hash(checked(attributes))
            self._store.run("UPDATE admin SET password = ? WHERE username = ?", (password, name))
        switches = {flag: str(integer(attributes.get(flag))) for flag in ("force_tfa", "force_pw_update")}
        values = (active, json.dumps(switches), name)
        self._store.run("UPDATE admin SET active = ?, attributes = ? WHERE username = ?", values)
        return success("admin_modified", name)

    def names(self) -> list[str]:
        """Every administrator."""
        return [str(row["username"]) for row in self._store.rows("SELECT username FROM admin")]

    def details(self, name: str) -> Row:
        """An administrator as Mailcow shows them; empty where there is none."""
        row = self._store.row("SELECT * FROM admin WHERE username = ?", (name,))
        if row is None:
            return {}
        switches = row["attributes"]
        return {
            "username": row["username"],
            "tfa_active": 0,
            "tfa_active_int": 0,
            "active": row["active"],
            "active_int": row["active"],
            "created": row["created"],
            "attributes": json.loads(str(switches)) if switches else {"force_tfa": "0", "force_pw_update": "0"},
        }
