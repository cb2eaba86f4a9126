"""Aliases: addresses that lead to others. Their rows with address = goto belong to mailboxes and are not shown."""

from __future__ import annotations

from .domains import Domains
from .store import Store
from .words import (
    Answer,
    Attributes,
    Refused,
    Row,
    ascii_domain,
    danger,
    given,
    integer,
    is_address,
    several,
    success,
    text,
    words,
)

COMMENT = 160
SINKS = {"goto_null": "null@localhost", "goto_spam": "spam@localhost", "goto_ham": "ham@localhost"}
FLAGS = ("sogo_visible", "internal", "sender_allowed", "active")


class Aliases:
    """The aliases in the database."""

    def __init__(self, store: Store, domains: Domains) -> None:
        self._store = store
        self._domains = domains

    def add(self, attributes: Attributes) -> list[Answer]:
        """New aliases, all to the same targets. What is not sent is 0: also "active" and "sender_allowed"."""
        if max(len(text(attributes, name)) for name in ("private_comment", "public_comment")) > COMMENT:
            raise Refused("comment_too_long")
        addresses = words(attributes.get("address"))
        if not addresses:
            raise Refused("alias_empty")
        answers: list[Answer] = []
        goto = self._targets(attributes, answers)
        for address in addresses:
            if address in goto.split(","):
                continue
            answers.append(self._add(address, goto, attributes))
        return answers

    @staticmethod
    def _targets(attributes: Attributes, answers: list[Answer]) -> str:
        """The targets as Mailcow keeps them; puts a refusal of each bad one into `answers`."""
        for name, sink in SINKS.items():
            if integer(attributes.get(name)) == 1:
                return sink
        targets = words(attributes.get("goto"))
        if not targets:
            raise Refused("goto_empty")
        good = []
        for target in targets:
            local, _, domain = target.rpartition("@")
            address = f"{local}@{ascii_domain(domain)}"
            if is_address(address):
                good.append(address)
            else:
                answers.append(danger("goto_invalid", target))
        return ",".join(dict.fromkeys(good))

    def _add(self, sent: str, goto: str, attributes: Attributes) -> Answer:
        local, _, name = sent.rpartition("@")
        domain = ascii_domain(name)
        address = f"{local}@{domain}"
        known = self._domains.details(domain)
        if known and known["aliases_left"] == 0:
            return danger("max_alias_exceeded")
        if self._store.row("SELECT id FROM alias WHERE address = ?", (address,)):
            return danger("is_alias_or_mailbox", address)
        if not known:
            return danger("domain_not_found", domain)
        if local and not is_address(address):
            return danger("alias_invalid", address)
        if not goto:
            return danger("goto_empty")
        comments = [text(attributes, name) for name in ("private_comment", "public_comment")]
        identity = self._store.run(
            "INSERT INTO alias (address, goto, domain, private_comment, public_comment,"
            " sogo_visible, internal, sender_allowed, active) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (address, goto, domain, *comments, *(integer(attributes.get(flag)) for flag in FLAGS)),
        )
        return success("alias_added", address, str(identity))

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change aliases, named by id or address; what is not named stays."""
        return [self._edit(item, attributes) for item in several(items)]

    def _edit(self, item: object, attributes: Attributes) -> Answer:
        now = self.details(item)
        if not now:
            return danger("alias_invalid", str(item))
        address = str(attributes.get("address") or now["address"])
        sink = next((sink for name, sink in SINKS.items() if integer(attributes.get(name)) == 1), "")
        targets = words(attributes.get("goto") or now["goto"])
        bad = [target for target in targets if not is_address(target)]
        if bad and not sink:
            return danger("goto_invalid", bad[0])
        if address in targets and not sink:
            return danger("alias_goto_identical")
        taken = self._store.row("SELECT id FROM alias WHERE address = ? AND id <> ?", (address, now["id"]))
        if taken:
            return danger("is_alias_or_mailbox", address)
        values: Row = {
            "address": address,
            "goto": sink or ",".join(dict.fromkeys(targets)),
            "private_comment": attributes.get("private_comment", now["private_comment"]),
            "public_comment": attributes.get("public_comment", now["public_comment"]),
            **{flag: given(attributes, flag, now[flag]) for flag in FLAGS},
        }
        changes = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE alias SET {changes}, modified = CURRENT_TIMESTAMP WHERE id = ?"
        self._store.run(sql, (*values.values(), now["id"]))
        return success("alias_modified", address)

    def delete(self, items: object) -> list[Answer]:
        """Remove aliases, named by id or address."""
        answers = []
        for item in several(items):
            now = self.details(item)
            if not now:
                answers.append(danger("access_denied"))
                continue
            self._store.run("DELETE FROM alias WHERE id = ?", (now["id"],))
            answers.append(success("alias_removed", now["address"]))
        return answers

    def ids(self, domain: str) -> list[int]:
        """The aliases of a domain."""
        rows = self._store.rows("SELECT id FROM alias WHERE domain = ? AND address <> goto ORDER BY id", (domain,))
        return [integer(row["id"]) for row in rows]

    def details(self, item: object) -> Row:
        """An alias as Mailcow shows it; empty where there is none."""
        row = self._store.row(
            "SELECT * FROM alias WHERE (id = ? OR address = ?) AND address <> goto", (integer(item), str(item))
        )
        if row is None:
            return {}
        return {
            **row,
            "in_primary_domain": "",
            "is_catch_all": int(not is_address(str(row["address"]))),
            "active_int": row["active"],
            "sogo_visible_int": row["sogo_visible"],
        }
