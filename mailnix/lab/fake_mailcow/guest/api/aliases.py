"""Aliases: addresses that lead to others. Their rows with address = goto belong to mailboxes and are not shown."""

from __future__ import annotations

from collections.abc import Iterator

from .domains import Domains
from .store import Store
from .words import (
    Answer,
    Attributes,
    Refused,
    Row,
    ascii_domain,
    column,
    danger,
    escaped,
    given,
    integer,
    is_address,
    several,
    success,
    text,
    words,
)

COMMENT = 160
GOTO = 65535  # a TEXT column
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
        targets = self._targets(attributes, answers)
        for address in addresses if targets else ():
            if address not in targets:  # an alias of itself is none, and nobody says so
                answers.append(self._add(address, column(",".join(targets), GOTO), attributes))
        return answers

    @staticmethod
    def _targets(attributes: Attributes, answers: list[Answer]) -> list[str]:
        """The targets as Mailcow keeps them; puts a refusal of each bad one into `answers`."""
        sink = _sink(attributes)
        targets = words(attributes.get("goto"))
        if not targets and not sink:
            raise Refused("goto_empty")
        good = []
        for target in targets if not sink else ():
            address = "@".join(_parts(target))
            if is_address(address):
                good.append(address)
            else:
                answers.append(danger("goto_invalid", escaped(address)))
        return list(dict.fromkeys(good)) if not sink else [sink]

    def _add(self, sent: str, goto: str, attributes: Attributes) -> Answer:
        local, domain = _parts(sent)
        address = f"{local}@{domain}"
        known = self._domains.details(domain)
        if known and known["aliases_left"] == 0:
            return danger("max_alias_exceeded")
        if self._is_taken(address, local, domain):
            return danger("is_alias_or_mailbox", escaped(address))
        if not known:
            return danger("domain_not_found", escaped(domain))
        if local and not is_address(address):
            return danger("alias_invalid", address)
        comments = [text(attributes, name) for name in ("private_comment", "public_comment")]
        identity = self._store.run(
            "INSERT INTO alias (address, goto, domain, private_comment, public_comment,"
            " sogo_visible, internal, sender_allowed, active) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (address, goto, domain, *comments, *(integer(attributes.get(flag)) for flag in FLAGS)),
        )
        return success("alias_added", address, str(identity))

    def _is_taken(self, address: str, local: str, domain: str) -> bool:
        """Whether an alias or a mailbox has the address, also by its domain's being an alias domain."""
        mirrored = (
            "SELECT username FROM mailbox JOIN alias_domain ON target_domain = domain"
            " WHERE alias_domain = ? AND username = ? || '@' || target_domain"
        )
        own = self._store.row("SELECT id FROM alias WHERE address = ?", (address,))
        return bool(own or self._store.row(mirrored, (domain, local)))

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change aliases, named by id or address; what is not named stays."""
        return [answer for item in several(items) for answer in self._edit(item, attributes)]

    def _edit(self, item: object, attributes: Attributes) -> Iterator[Answer]:
        """Targets that are refused are left out; the rest counts, and all is called well in the end."""
        now = self.details(item)
        if not now:
            yield danger("alias_invalid", None)
            return
        address = str(attributes.get("address") or now["address"])
        taken = self._store.row("SELECT id FROM alias WHERE address = ? AND id <> ?", (address, now["id"]))
        if taken:
            yield danger("is_alias_or_mailbox", escaped(address))
            return
        targets = [_sink(attributes)]
        if not targets[0]:
            targets = []
            for target in words(attributes.get("goto") or now["goto"]):
                if not is_address(target):
                    yield danger("goto_invalid", target)
                elif target == address:
                    yield danger("alias_goto_identical")
                else:
                    targets.append(target)
        if targets:
            self._save(now, address, ",".join(dict.fromkeys(targets)), attributes)
        yield success("alias_modified", escaped(address))

    def _save(self, now: Row, address: str, goto: str, attributes: Attributes) -> None:
        values: Row = {
            "address": address,
            "goto": column(goto, GOTO),
            "private_comment": attributes.get("private_comment", now["private_comment"]),
            "public_comment": attributes.get("public_comment", now["public_comment"]),
            **{flag: given(attributes, flag, now[flag]) for flag in FLAGS},
        }
        changes = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE alias SET {changes}, modified = CURRENT_TIMESTAMP WHERE id = ?"
        self._store.run(sql, (*values.values(), now["id"]))
        for target in goto.split(","):  # whose owner may write as the alias anyway
            self._store.run("DELETE FROM sender_acl WHERE logged_in_as = ? AND send_as = ?", (target, address))

    def delete(self, items: object) -> list[Answer]:
        """Remove aliases, named by id or address."""
        answers = []
        for item in several(items):
            now = self.details(item)
            if not now:
                answers.append(danger("access_denied"))
                continue
            self._store.run("DELETE FROM alias WHERE id = ?", (now["id"],))
            self._store.run("DELETE FROM sender_acl WHERE send_as = ?", (now["address"],))
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


def _sink(attributes: Attributes) -> str:
    """What stands for nowhere, spam or ham, if that is wished."""
    return next((sink for name, sink in SINKS.items() if integer(attributes.get(name)) == 1), "")


def _parts(address: str) -> tuple[str, str]:
    """Local part and domain, both empty where there is no "@" (PHP's strstr)."""
    local, at, domain = address.partition("@")
    return (local, ascii_domain(domain)) if at else ("", "")
