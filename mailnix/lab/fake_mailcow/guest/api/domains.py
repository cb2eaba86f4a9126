"""Mail domains."""

from __future__ import annotations

from collections.abc import Mapping

from .dkim import KEY_SIZE, SELECTOR, Dkim
from .resp import Redis
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
    filled,
    given,
    integer,
    is_domain,
    several,
    success,
    tags,
    text,
)

# Of the template "Default"; sizes in MiB.
DEFAULTS: Mapping[str, int] = {
    "aliases": 400,
    "mailboxes": 10,
    "defquota": 3072,
    "maxquota": 10240,
    "quota": 10240,
    "active": 1,
    "gal": 1,
    "backupmx": 0,
    "relay_all_recipients": 0,
    "relay_unknown_only": 0,
}
COLUMNS = ("description", *DEFAULTS, "relayhost")


class Domains:
    """The domains in the database, and in Redis where rspamd asks which are ours."""

    def __init__(self, store: Store, redis: Redis, dkim: Dkim, hostname: str) -> None:
        self._store = store
        self._redis = redis
        self._dkim = dkim
        self._hostname = hostname

    def add(self, attributes: Attributes) -> list[Answer]:
        """A new domain; it gets a key of its own unless one is there already."""
        domain = ascii_domain(attributes.get("domain"))
        values: Row = {name: given(attributes, name, default) for name, default in DEFAULTS.items()}
        _check_quotas(values)
        _relay(values)
        if not is_domain(domain):
            raise Refused("domain_invalid")
        taken = "SELECT domain FROM domain UNION SELECT alias_domain FROM alias_domain"
        if self._store.row(f"SELECT 1 FROM ({taken}) WHERE domain = ?", (domain,)):
            raise Refused("domain_exists", domain)
        if domain == self._hostname:
            raise Refused("domain_cannot_match_hostname")
        values |= {"domain": domain, "description": column(text(attributes, "description") or domain)}
        names = ", ".join(values)
        self._store.run(f"INSERT INTO domain ({names}) VALUES ({', '.join('?' * len(values))})", [*values.values()])
        self._store.set_tags("domain", domain, tags(attributes))
        self._redis("HSET", "DOMAIN_MAP", domain, "1")
        return [*self._first_key(domain, attributes), success("domain_added", domain)]

    def _first_key(self, domain: str, attributes: Attributes) -> list[Answer]:
        size = given(attributes, "key_size", KEY_SIZE)
        selector = str(attributes.get("dkim_selector", SELECTOR) or "")
        if not size or not selector:
            return []
        if self._dkim.details(domain):
            return [success("domain_add_dkim_available")]
        return self._dkim.add({"domains": domain, "dkim_selector": selector, "key_size": size})

    def edit(self, items: object, attributes: Attributes) -> list[Answer]:
        """Change domains; what is not named stays."""
        answers = []
        for domain in map(ascii_domain, several(items)):
            try:
                self._edit(domain, attributes)
            except Refused as refusal:
                answers.append(danger(*_parts(refusal)))
            else:
                answers.append(success("domain_modified", domain))
        return answers

    def _edit(self, domain: str, attributes: Attributes) -> None:
        now = self._store.row("SELECT * FROM domain WHERE domain = ?", (domain,))
        if now is None:
            raise Refused("domain_invalid")
        values: Row = {name: given(attributes, name, now[name]) for name in (*DEFAULTS, "relayhost")}
        for name in ("aliases", "maxquota", "quota"):
            values[name] = filled(attributes, name, now[name])
        values["description"] = column(text(attributes, "description") or str(now["description"]))
        _relay(values)
        _check_quotas(values)
        self._check_use(domain, values)
        changes = ", ".join(f"{name} = ?" for name in COLUMNS)
        sql = f"UPDATE domain SET {changes}, modified = CURRENT_TIMESTAMP WHERE domain = ?"
        self._store.run(sql, (*(values[name] for name in COLUMNS), domain))
        self._store.set_tags("domain", domain, tags(attributes))

    def _check_use(self, domain: str, values: Row) -> None:
        use = self.use(domain)
        if use["biggest"] > integer(values["maxquota"]) * MIB:
            raise Refused("max_quota_in_use", use["biggest"] // MIB)
        if use["bytes"] > integer(values["quota"]) * MIB:
            raise Refused("domain_quota_m_in_use", use["bytes"] // MIB)
        if use["mailboxes"] > integer(values["mailboxes"]):
            raise Refused("mailboxes_in_use", use["mailboxes"])
        if use["aliases"] > integer(values["aliases"]):
            raise Refused("aliases_in_use", use["aliases"])

    def use(self, domain: str) -> dict[str, int]:
        """How many mailboxes and aliases a domain has, and what quotas they were promised (bytes)."""
        boxes = "FROM mailbox WHERE domain = ?"
        return {
            "mailboxes": self._store.number(f"SELECT COUNT(*) {boxes}", (domain,)),
            "bytes": self._store.number(f"SELECT SUM(quota) {boxes}", (domain,)),
            "biggest": self._store.number(f"SELECT MAX(quota) {boxes}", (domain,)),
            "aliases": self._store.number(
                "SELECT COUNT(*) FROM alias WHERE domain = ? AND address NOT IN (SELECT username FROM mailbox)",
                (domain,),
            ),
        }

    def delete(self, items: object) -> list[Answer]:
        """Remove domains that have no mailboxes."""
        answers = []
        for domain in map(ascii_domain, several(items)):
            if not is_domain(domain):
                answers.append(danger("domain_invalid"))
            elif self.use(domain)["mailboxes"]:
                answers.append(danger("domain_not_empty", domain))
            else:
                self._store.run("DELETE FROM alias WHERE domain = ?", (domain,))
                self._store.run("DELETE FROM domain WHERE domain = ?", (domain,))
                self._store.run("DELETE FROM tags WHERE kind = 'domain' AND object = ?", (domain,))
                self._redis("HDEL", "DOMAIN_MAP", domain)
                answers.append(success("domain_removed", domain))
        return answers

    def names(self) -> list[str]:
        """Every domain."""
        return [str(row["domain"]) for row in self._store.rows("SELECT domain FROM domain ORDER BY rowid")]

    def details(self, name: str) -> Row:
        """A domain as Mailcow shows it, sizes in bytes; the target of an alias domain; empty where there is none."""
        domain = ascii_domain(name)
        mirrored = self._store.row("SELECT target_domain FROM alias_domain WHERE alias_domain = ?", (domain,))
        domain = str(mirrored["target_domain"]) if mirrored else domain
        row = self._store.row("SELECT * FROM domain WHERE domain = ?", (domain,))
        if row is None:
            return {}
        use = self.use(domain)
        sizes = {name: integer(row[name]) * MIB for name in ("quota", "maxquota", "defquota")}
        room = min(sizes["quota"] - use["bytes"], sizes["maxquota"])
        shown: Row = {
            "domain_name": row["domain"],
            "domain_h_name": domain.encode().decode("idna"),
            "description": row["description"],
            "max_new_mailbox_quota": room,
            "def_new_mailbox_quota": min(room, sizes["defquota"]),
            "quota_used_in_domain": str(use["bytes"]),
            "bytes_total": 0,
            "msgs_total": 0,
            "mboxes_in_domain": use["mailboxes"],
            "mboxes_left": integer(row["mailboxes"]) - use["mailboxes"],
            "max_num_aliases_for_domain": row["aliases"],
            "max_num_mboxes_for_domain": row["mailboxes"],
            "def_quota_for_mbox": sizes["defquota"],
            "max_quota_for_mbox": sizes["maxquota"],
            "max_quota_for_domain": sizes["quota"],
            "relayhost": str(row["relayhost"]),
            "rl": False,
            "created": row["created"],
            "modified": row["modified"],
            "aliases_in_domain": use["aliases"],
            "aliases_left": integer(row["aliases"]) - use["aliases"],
            "domain_admins": "-",
        }
        for flag in ("backupmx", "gal", "active", "relay_all_recipients", "relay_unknown_only"):
            shown |= {flag: row[flag], f"{flag}_int": row[flag]}
        marks = self._store.tags("domain", domain)
        return {**shown, "tags": marks} if marks else shown


def _parts(refusal: Refused) -> list[object]:
    return refusal.message if isinstance(refusal.message, list) else [refusal.message]


def _relay(values: Row) -> None:
    """A domain that relays is a backup MX, and one that relays only the unknown relays."""
    if integer(values["relay_unknown_only"]) == 1:
        values["relay_all_recipients"] = 1
    if integer(values["relay_all_recipients"]) == 1:
        values["backupmx"] = 1


def _check_quotas(values: Row) -> None:
    default, largest, whole = (integer(values[name]) for name in ("defquota", "maxquota", "quota"))
    if default > largest:
        raise Refused("mailbox_defquota_exceeds_mailbox_maxquota")
    if largest > whole:
        raise Refused("mailbox_quota_exceeds_domain_quota")
    if default == 0:
        raise Refused("defquota_empty")
    if largest == 0:
        raise Refused("maxquota_empty")
