"""Passwords of mailboxes for single programs.

Dovecot looks for them by a digest. Of one that came as a hash there is none, so nobody logs in with that here.
"""

from __future__ import annotations

import hashlib
import html

from .passwords import Hasher, checked
from .store import Store
from .words import Answer, Attributes, Refused, Row, danger, given, integer, several, success, text

PROTOCOLS = ("imap_access", "smtp_access", "eas_access", "dav_access", "pop3_access", "sieve_access")
CALLER = "API"
"""Whose a password becomes where an edit names no mailbox."""


class AppPasswords:
    """The app passwords in the database."""

    def __init__(self, store: Store, hasher: Hasher) -> None:
        self._store = store
        self._hash = hasher

    def add(self, attributes: Attributes) -> list[Answer]:
        """A new one; what is not sent is 0, also "active"."""
        username, name = text(attributes, "username"), html.escape(text(attributes, "app_name").strip())
        mailbox = self._store.row("SELECT domain FROM mailbox WHERE username = ?", (username,))
        if mailbox is None:
            raise Refused("access_denied")
        clear = checked(_password(attributes))
        password, digest = self._hash(clear), hashlib.sha256(clear.encode()).hexdigest()
        if not name:
            raise Refused("app_name_empty")
        values = (
            name,
            username,
            mailbox["domain"],
            password,
            digest,
            *_opens(attributes),
            integer(attributes.get("active")),
        )
        columns = f"name, mailbox, domain, password, digest, {', '.join(PROTOCOLS)}, active"
        self._store.run(f"INSERT INTO app_passwd ({columns}) VALUES ({', '.join('?' * len(values))})", values)
        return [success("app_passwd_added")]

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change some, named by id; the mailbox becomes the one that is sent, or else the caller's."""
        answers = []
        for item in several(items):
            now = self.details(integer(item))
            if not now:
                answers.append(danger("app_passwd_id_invalid", str(item)))
                continue
            opens = _opens(attributes) if "protocols" in attributes else tuple(now[name] for name in PROTOCOLS)
            active = given(attributes, "active", now["active"])
            changes = ", ".join(f"{name} = ?" for name in ("mailbox", *PROTOCOLS, "active"))
            values = (text(attributes, "username") or CALLER, *opens, active, now["id"])
            self._store.run(f"UPDATE app_passwd SET {changes} WHERE id = ?", values)
            answers.append(success("object_modified", str(item)))
        return answers

    def delete(self, items: object) -> list[Answer]:
        """Remove some, named by id."""
        answers = []
        for item in several(items):
            if not self.details(integer(item)):
                raise Refused("app_passwd_id_invalid")
            self._store.run("DELETE FROM app_passwd WHERE id = ?", (integer(item),))
            answers.append(success("app_passwd_removed", str(item)))
        return answers

    def of(self, username: str) -> list[Row]:
        """A mailbox's app passwords."""
        rows = self._store.rows("SELECT id FROM app_passwd WHERE mailbox = ? ORDER BY id", (username,))
        return [self.details(integer(row["id"])) for row in rows]

    def details(self, number: int) -> Row:
        """One as Mailcow shows it, its name escaped once more; empty where there is none."""
        row = self._store.row("SELECT * FROM app_passwd WHERE id = ?", (number,))
        shown = {name: value for name, value in (row or {}).items() if name != "digest"}
        return {**shown, "name": html.escape(str(shown["name"]))} if shown else {}


def _password(attributes: Attributes) -> Attributes:
    return {"password": text(attributes, "app_passwd"), "password2": text(attributes, "app_passwd2")}


def _opens(attributes: Attributes) -> tuple[int, ...]:
    named = several(attributes.get("protocols"))
    return tuple(int(name in named) for name in PROTOCOLS)
