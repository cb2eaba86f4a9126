"""Alias domains: each reaches the mailboxes of another domain, but none of its aliases."""

from __future__ import annotations

from .domains import Domains
from .resp import Redis
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
    is_domain,
    several,
    success,
    words,
)


class AliasDomains:
    """The alias domains in the database, and in Redis where rspamd asks which domains are ours."""

    def __init__(self, store: Store, redis: Redis, domains: Domains) -> None:
        self._store = store
        self._redis = redis
        self._domains = domains

    def add(self, attributes: Attributes) -> list[Answer]:
        """New alias domains of one target; "active" is 0 where it is not sent."""
        target = ascii_domain(attributes.get("target_domain"))
        if not is_domain(target):
            raise Refused("target_domain_invalid")
        if not self._domains.details(target):
            raise Refused("access_denied")
        return [self._add(ascii_domain(name), target, attributes) for name in words(attributes.get("alias_domain"))]

    def _add(self, name: str, target: str, attributes: Attributes) -> Answer:
        if not is_domain(name):
            return danger("alias_domain_invalid", name)
        if name == target:
            return danger("aliasd_targetd_identical", target)
        if target not in self._domains.names():
            return danger("targetd_not_found", target)
        if name in self._domains.names() or self.details(name):
            return danger("alias_domain_invalid", name)
        values = (name, target, integer(attributes.get("active")))
        self._store.run("INSERT INTO alias_domain (alias_domain, target_domain, active) VALUES (?, ?, ?)", values)
        self._redis("HSET", "DOMAIN_MAP", name, "1")
        return success("aliasd_added", name)

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change alias domains; what is not named stays."""
        answers = []
        for name in map(ascii_domain, several(items)):
            now = self.details(name)
            target = ascii_domain(attributes.get("target_domain")) or str(now.get("target_domain", ""))
            if not now:
                answers.append(danger("alias_domain_invalid", name))
            elif target not in self._domains.names():
                answers.append(danger("access_denied"))
            else:
                values = (target, given(attributes, "active", now["active"]), name)
                self._store.run("UPDATE alias_domain SET target_domain = ?, active = ? WHERE alias_domain = ?", values)
                answers.append(success("aliasd_modified", name))
        return answers

    def delete(self, items: object) -> list[Answer]:
        """Remove alias domains, and the aliases in them."""
        answers = []
        for name in map(str, several(items)):
            if not self.details(name):
                answers.append(danger("access_denied"))
                continue
            self._store.run("DELETE FROM alias_domain WHERE alias_domain = ?", (name,))
            self._store.run("DELETE FROM alias WHERE domain = ?", (name,))
            self._redis("HDEL", "DOMAIN_MAP", name)
            answers.append(success("alias_domain_removed", name))
        return answers

    def names(self) -> list[str]:
        """Every alias domain."""
        return [str(row["alias_domain"]) for row in self._store.rows("SELECT alias_domain FROM alias_domain")]

    def details(self, name: str) -> Row:
        """An alias domain as Mailcow shows it; empty where there is none."""
        row = self._store.row("SELECT * FROM alias_domain WHERE alias_domain = ?", (name,))
        return {} if row is None else {**row, "active_int": row["active"], "parent_is_backupmx": 0, "rl": False}
