"""Which senders a mailbox may write as, beside its own address (sender_acl)."""

from __future__ import annotations

from .domains import Domains
from .store import Store
from .words import Answer, danger, is_address, is_domain, several

ANY, DEFAULT = "*", "default"


class Senders:
    """The rows of sender_acl in the database."""

    def __init__(self, store: Store, domains: Domains) -> None:
        self._store = store
        self._domains = domains

    def of(self, username: str) -> list[object]:
        """The senders that were given to a mailbox."""
        rows = self._store.rows("SELECT send_as FROM sender_acl WHERE logged_in_as = ? ORDER BY rowid", (username,))
        return [row["send_as"] for row in rows]

    def save(self, username: str, sent: object) -> list[Answer]:
        """Set a mailbox's senders; gives the refusals. What an alias allows anyway is not kept."""
        wanted = [str(item) for item in several(sent) if item != DEFAULT]
        answers = [danger("sender_acl_invalid", item) for item in wanted if not self._is_one(item)]
        good = [ANY] if ANY in wanted else [item for item in wanted if self._is_one(item)]
        self._store.run("DELETE FROM sender_acl WHERE logged_in_as = ?", (username,))
        for item in dict.fromkeys(good):
            sender = f"@{item.lstrip('@')}" if item != ANY and is_domain(item.lstrip("@")) else item
            if sender not in self._allowed(username):
                self._store.run("INSERT INTO sender_acl (logged_in_as, send_as) VALUES (?, ?)", (username, sender))
        return answers

    def _is_one(self, item: str) -> bool:
        """Any, a domain of ours, or an address that has a row among the aliases (as mailboxes have)."""
        if item == ANY:
            return True
        if is_address(item):
            return self._store.row("SELECT 1 FROM alias WHERE address = ?", (item,)) is not None
        return is_domain(item.lstrip("@")) and bool(self._domains.details(item.lstrip("@")))

    def _allowed(self, username: str) -> set[str]:
        sql = "SELECT address, goto FROM alias WHERE goto LIKE ? AND sender_allowed = 1 AND address NOT LIKE '@%'"
        rows = self._store.rows(sql, (f"%{username}%",))
        return {str(row["address"]) for row in rows if username in str(row["goto"]).lower().split(",")}
