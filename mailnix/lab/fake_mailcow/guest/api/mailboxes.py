"""Mailboxes. Each has an alias row that leads to itself, as in Mailcow."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .domains import Domains
from .filters import Filters
from .limits import Limits
from .passwords import Hasher, checked
from .senders import Senders
from .store import Store
from .words import (
    MIB,
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
    is_domain,
    several,
    success,
    tags,
    text,
)

ATTRIBUTES: Mapping[str, int] = {
    "force_pw_update": 0,
    "force_tfa": 0,
    "tls_enforce_in": 0,
    "tls_enforce_out": 0,
    "sogo_access": 1,
    "imap_access": 1,
    "pop3_access": 1,
    "smtp_access": 1,
    "sieve_access": 1,
    "eas_access": 1,
    "dav_access": 1,
    "relayhost": 0,
}
PROTOCOLS = ("imap", "pop3", "smtp", "sieve", "eas", "dav")


class Mailboxes:
    """The mailboxes in the database."""

    def __init__(self, store: Store, domains: Domains, limits: Limits, filters: Filters, hasher: Hasher) -> None:
        self._store = store
        self._domains = domains
        self._limits = limits
        self._filters = filters
        self._hash = hasher
        self._senders = Senders(store, domains)

    def add(self, attributes: Attributes) -> list[Answer]:
        """A new mailbox."""
        local, domain = text(attributes, "local_part").strip().lower(), ascii_domain(attributes.get("domain"))
        address = f"{local}@{domain}"
        if not is_address(address):
            raise Refused("mailbox_invalid")
        if not is_domain(domain):
            raise Refused("domain_invalid")
        self._check_new(address, domain)
        password = checked(attributes)
        quota = given(attributes, "quota", 0)
        self._check_room(domain, quota)
        active = given(attributes, "active", 1)
        values = (
            address,
            self._hash(password),
            column(_name(attributes)),  # none sent: none stored, whatever the sources intend
            quota * MIB,
            local,
            domain,
            json.dumps(_attributes(attributes, ATTRIBUTES)),
            "mailcow",
            active,
        )
        names = "username, password, name, quota, local_part, domain, attributes, authsource, active"
        self._store.run(f"INSERT INTO mailbox ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        self._store.set_tags("mailbox", address, tags(attributes))
        own = (address, address, domain, active)
        self._store.run("INSERT INTO alias (address, goto, domain, active) VALUES (?, ?, ?, ?)", own)
        limit = (
            [self._limits.save(address, attributes)] if "rl_frame" in attributes and "rl_value" in attributes else []
        )
        return [*limit, success("mailbox_added", escaped(address))]

    def _check_new(self, address: str, domain: str) -> None:
        if not self._domains.details(domain):
            raise Refused("access_denied")
        if self._store.row("SELECT username FROM mailbox WHERE username = ?", (address,)):
            raise Refused("object_exists", escaped(address))
        if self._store.row("SELECT address FROM alias WHERE address = ?", (address,)):
            raise Refused("is_alias", escaped(address))
        if self._domains.details(domain)["domain_name"] != domain:
            raise Refused("domain_not_found", escaped(domain))

    def _check_room(self, domain: str, quota: int) -> None:
        limits, use = self._domains.details(domain), self._domains.use(domain)
        if use["mailboxes"] >= integer(limits["max_num_mboxes_for_domain"]):
            raise Refused("max_mailbox_exceeded", use["mailboxes"], limits["max_num_mboxes_for_domain"])
        if quota * MIB > integer(limits["max_quota_for_mbox"]):
            raise Refused("mailbox_quota_exceeded", integer(limits["max_quota_for_mbox"]) // MIB)
        if use["bytes"] + quota * MIB > integer(limits["max_quota_for_domain"]):
            left = integer(limits["max_quota_for_domain"]) - use["bytes"]
            raise Refused("mailbox_quota_left_exceeded", left // MIB)

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change mailboxes; what is not named stays."""
        answers: list[Answer] = []
        for address in map(str, several(items)):
            now = self.details(address) if is_address(address) else {}
            if not now:
                answers.append(danger("access_denied") if is_address(address) else danger("username_invalid", address))
                continue
            if "sender_acl" in attributes:
                answers += self._senders.save(address, attributes["sender_acl"])
            refusal = self._edit(address, now, attributes)
            answers.append(refusal or success("mailbox_modified", address))
        return answers

    def _edit(self, address: str, now: Row, attributes: Attributes) -> Answer | None:
        sent = attributes.get("quota")
        quota = integer(now["quota"]) if sent in (None, "") else integer(sent) * MIB
        if quota > integer(now["max_new_quota"]):
            return danger("mailbox_quota_left_exceeded", integer(now["max_new_quota"]) // MIB)
        active = given(attributes, "active", now["active"])
        if attributes.get("password"):
            try:
                password = self._hash(checked(attributes))
            except Refused as refusal:
                return danger(refusal.message)
            self._store.run("UPDATE mailbox SET password = ? WHERE username = ?", (password, address))
        name = column(_name(attributes)) if attributes.get("name") else now["name"]
        old = now["attributes"]
        kept = _attributes(attributes, {**ATTRIBUTES, **(old if isinstance(old, dict) else {})})
        self._store.run(
            "UPDATE mailbox SET name = ?, quota = ?, active = ?, attributes = ?, modified = CURRENT_TIMESTAMP"
            " WHERE username = ?",
            (name, quota, active, json.dumps(kept), address),
        )
        self._store.run("UPDATE alias SET active = ? WHERE address = ?", (active, address))
        self._store.set_tags("mailbox", address, tags(attributes))
        return None

    def delete(self, items: object) -> list[Answer]:
        """Remove mailboxes, and the aliases that led to them alone."""
        answers = []
        for address in map(str, several(items)):
            if not self.details(address):
                answers.append(danger("access_denied"))
                continue
            self._store.run("DELETE FROM mailbox WHERE username = ?", (address,))
            self._store.run("DELETE FROM alias WHERE goto = ?", (address,))
            self._store.run("DELETE FROM tags WHERE kind = 'mailbox' AND object = ?", (address,))
            self._store.run("DELETE FROM sender_acl WHERE ? IN (logged_in_as, send_as)", (address,))
            self._store.run("DELETE FROM sieve_filters WHERE username = ?", (address,))
            self._filters.lay(address)
            self._store.run("DELETE FROM app_passwd WHERE mailbox = ?", (address,))
            self._forget_target(address)
            self._limits.drop(address)
            answers.append(success("mailbox_removed", address))
        return answers

    def delete_tags(self, address: str, items: object) -> list[Answer]:
        """Take tags from a mailbox."""
        if not self.details(address):
            return [danger("access_denied")]
        self._store.drop_tags("mailbox", address, [str(item) for item in several(items)])
        return [success("mailbox_modified", address)]

    def _forget_target(self, address: str) -> None:
        for row in self._store.rows("SELECT id, goto FROM alias WHERE goto LIKE ?", (f"%{address}%",)):
            targets = [target for target in str(row["goto"]).split(",") if target.lower() != address.lower()]
            self._store.run("UPDATE alias SET goto = ? WHERE id = ?", (",".join(targets), row["id"]))

    def addresses(self, domain: str) -> list[str]:
        """The mailboxes of a domain; all that there are where it is none of ours."""
        where, values = ("WHERE domain = ? ", (domain,)) if self._domains.details(domain) else ("", ())
        rows = self._store.rows(f"SELECT username FROM mailbox {where}ORDER BY username", values)
        return [str(row["username"]) for row in rows]

    def details(self, address: str) -> Row:
        """A mailbox as Mailcow shows it, its quota in bytes; empty where there is none."""
        row = self._store.row("SELECT * FROM mailbox WHERE username = ?", (address,))
        if row is None:
            return {}
        domain = self._domains.details(str(row["domain"]))
        others = integer(domain["quota_used_in_domain"]) - integer(row["quota"])
        most = min(integer(domain["max_quota_for_domain"]) - others, integer(domain["max_quota_for_mbox"]))
        shared = ("username", "active", "domain", "name", "local_part", "quota", "created", "modified", "authsource")
        shown: Row = {
            **{name: row[name] for name in shared},
            "active_int": row["active"],
            "messages": 0,
            "attributes": json.loads(str(row["attributes"])),
            "custom_attributes": [],
            "quota_used": 0,
            "percent_in_use": 0 if row["quota"] else "- ",
            "percent_class": "success" if row["quota"] else "info",
            "max_new_quota": most,
            "is_relayed": domain["backupmx"],
            "sender_acl": self._senders.of(address),
            **self._limits.shown(address),
        }
        marks = self._store.tags("mailbox", address)
        return {**shown, "tags": marks} if marks else shown


def _name(attributes: Attributes) -> str:
    """A display name as Mailcow keeps it: without `<` in front and `>` at its end."""
    return text(attributes, "name").rstrip(">").lstrip("<")


def _attributes(sent: Attributes, default: Attributes) -> dict[str, str]:
    """Mailcow's switches of a mailbox; "protocol_access" is a list that decides several of them."""
    access = sent.get("protocol_access")
    values = {name: given(sent, name, default.get(name, 0)) for name in ATTRIBUTES}
    if access is not None:
        values |= {f"{name}_access": int(name in several(access)) for name in PROTOCOLS}
    return {name: str(value) for name, value in values.items()}
