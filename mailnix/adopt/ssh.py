"""Read a Mailcow over SSH: its mailcow.conf, its database and Redis, by the programs in its own containers.

This needs no API key, finds Mailcow's name and settings, and gets the private DKIM keys, which the API keeps back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

from attrs import frozen

from mailnix.adopt.existing import DkimKey, Existing, Row, rows
from mailnix.adopt.settings import FREE, TOLD
from mailnix.errors import AdoptError, CommandFailed
from mailnix.model.mail import Protocol
from mailnix.model.names import MIB
from mailnix.run import Runner, run
from mailnix.secrets import Secret

FOLDER: Final = "/opt/mailcow-dockerized"
"""Where Mailcow's documentation puts it."""
CONNECT_TIMEOUT: Final = 20  # seconds
TIMEOUT: Final = 600.0

SETTINGS: Final = (
    "MAILCOW_HOSTNAME",
    "TZ",
    "SKIP_CLAMD",
    "SKIP_FTS",
    "SKIP_SOLR",  # the full-text search of Mailcow until 2025
    "SKIP_UNBOUND_HEALTHCHECK",
    "IPV4_NETWORK",
    "IPV6_NETWORK",
    *sorted(FREE),
    *TOLD,
)
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "domain": ("domain", "active", "maxquota", "relayhost", "backupmx", "relay_all_recipients", "relay_unknown_only"),
    "mailbox": ("username", "name", "local_part", "domain", "quota", "attributes", "authsource", "kind", "active"),
    "alias": ("address", "goto", "domain", "active", "internal", "sender_allowed", "private_comment"),
    "alias_domain": ("alias_domain", "target_domain", "active"),
    "sender_acl": ("logged_in_as", "send_as", "external"),
    "relayhosts": ("id", "hostname", "username", "active"),
    "transports": ("id", "destination", "nexthop", "username", "is_mx_based", "active"),
    "imapsync": ("id",),
    "sieve_filters": ("username", "script_desc", "script_name", "script_data", "filter_type"),
    "bcc_maps": ("local_dest", "bcc_dest", "type", "active"),
    "recipient_maps": ("old_dest", "new_dest", "active"),
    "app_passwd": ("mailbox", "name", *(f"{protocol}_access" for protocol in Protocol), "active"),
    "tls_policy_override": ("id",),
    "domain_admins": ("id",),
}
"""The columns that are asked for, as far as a Mailcow's version has them."""
FURTHER: Final = {
    "sync jobs": "imapsync",
    "TLS policies": "tls_policy_override",
    "admins of single domains": "domain_admins",
}
PUBLIC, SELECTORS, PRIVATE = "DKIM_PUB_KEYS", "DKIM_SELECTORS", "DKIM_PRIV_KEYS"
LIMITS, FORWARDING, KEEP_SPAM = "RL_VALUE", "WHITELISTED_FWD_HOST", "KEEP_SPAM"
HASHES: Final = (PUBLIC, SELECTORS, LIMITS, FORWARDING, KEEP_SPAM, PRIVATE)
_WORDS: Final = re.compile(r"[^\x20-\x7e]")


@frozen
class Target:
    """Where to log in, as ssh takes it, and Mailcow's folder there."""

    login: str
    folder: str = FOLDER

    def __str__(self) -> str:
        return f"{self.login}:{self.folder}"


def target_of(text: str) -> Target:
    """`root@host`, `root@host:/folder` or `ssh://root@host:22/folder`; raises AdoptError."""
    if text.startswith("ssh://"):
        login, slash, folder = text.removeprefix("ssh://").partition("/")
        login, folder = f"ssh://{login}", slash + folder
    else:
        login, _, folder = text.partition(":")
    if login.startswith("-") or not re.fullmatch(r"(ssh://)?[^\s@/]+@[^\s@/]+", login):
        raise AdoptError(f"{text[:80]!r} is no SSH target", f"write root@ADDRESS, or root@ADDRESS:{FOLDER}")
    if folder.strip("/") and not re.fullmatch(r"/[\w./-]+", folder):
        raise AdoptError(f"{folder[:80]!r} is no folder", f"write it whole, such as {FOLDER}")
    return Target(login, folder if folder.strip("/") else FOLDER)


def argv(target: Target) -> tuple[str, ...]:
    """The ssh call, which asks nothing; the program comes on its stdin."""
    quiet = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}")
    return ("ssh", "-T", *quiet, "--", target.login, f"sh -s -- {target.folder}")


def program() -> str:
    """What runs there, by sh."""
    text = (files("mailnix.adopt") / "remote.sh").read_text("utf-8")
    sql = "\n".join(_select(table, columns) for table, columns in TABLES.items())
    return text.replace("@SETTINGS@", "|".join(SETTINGS)).replace("@SQL@", sql).replace("@HASHES@", " ".join(HASHES))


def _select(table: str, columns: Iterable[str]) -> str:
    """SQL that prints a table's rows as JSON, of those columns that it has; nothing where there is no such table."""
    wanted = ", ".join(f"'{column}'" for column in columns)
    return (
        "SET @columns = (SELECT GROUP_CONCAT(CONCAT('''', COLUMN_NAME, ''', `', COLUMN_NAME, '`'))"
        " FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' AND COLUMN_NAME IN ({wanted}));\n"
        f"SET @query = COALESCE(CONCAT('SELECT CONCAT(''sql '', JSON_OBJECT(''table'', ''{table}'', ''row'','"
        f" ' JSON_OBJECT(', @columns, '))) FROM `{table}`'), 'DO 0');\n"
        "PREPARE query FROM @query; EXECUTE query; DEALLOCATE PREPARE query;"
    )


def read(target: Target, runner: Runner = run) -> Existing:
    """Everything that the machine tells; raises AdoptError."""
    try:
        ended = runner(argv(target), stdin=program().encode(), timeout=TIMEOUT, check=False)
    except CommandFailed:  # out of time; what it printed may have keys in it
        raise AdoptError(f"{target} did not finish in time", _by_hand(target)) from None
    if ended.status != 0:
        said = [line for line in ended.stderr.splitlines() if line.strip()]
        why = _WORDS.sub(" ", said[-1]).removeprefix("mailnix: ")[:200] if said else f"status {ended.status}"
        raise AdoptError(f"{target} cannot be read: {why}", _by_hand(target))
    lines = ended.stdout.rstrip("\n").split("\n")  # no other line end: names may have what Unicode calls one
    if lines[-1] != "done":
        raise AdoptError(f"{target} said only a part", _by_hand(target))
    found = existing(target, lines)
    if not found.hostname:
        raise AdoptError(f"{target} has no MAILCOW_HOSTNAME in its mailcow.conf", "is it the right folder?")
    return found


def _by_hand(target: Target) -> str:
    return f"try: ssh {target.login} true"


def existing(target: Target, lines: Iterable[str]) -> Existing:
    """What the program printed, as values named as the API names them."""
    settings: dict[str, str] = {}
    tables: dict[str, list[Any]] = {name: [] for name in TABLES}
    hashes: dict[str, Mapping[str, str]] = {name: {} for name in HASHES}
    for line in lines:
        kind, _, rest = line.partition(" ")
        match kind:
            case "conf":
                name, _, value = rest.partition("=")
                settings[name] = value.strip().strip("\"'")
            case "sql":
                for row in rows([_json(rest, target)]):
                    tables.setdefault(row.text("table"), []).append(row.row("row").values)
            case "redis":
                name, _, value = rest.partition(" ")
                hashes[name] = _pairs(_json(value, target))
    return _named(target, settings, tables, hashes)


def _named(
    target: Target,
    settings: Mapping[str, str],
    tables: Mapping[str, list[Any]],
    hashes: Mapping[str, Mapping[str, str]],
) -> Existing:
    boxes = [row for row in rows(tables["mailbox"]) if not row.text("kind")]
    things = [row for row in rows(tables["mailbox"]) if row.text("kind")]
    further = {what: len(tables[table]) for what, table in FURTHER.items()}
    further["resources (rooms, things)"] = len(things)
    acl: dict[str, list[str]] = {}
    for row in rows(tables["sender_acl"]):
        if not row.flag("external", default=False):
            acl.setdefault(row.text("logged_in_as"), []).append(row.text("send_as"))
    return Existing(
        source=str(target),
        hostname=settings.get("MAILCOW_HOSTNAME", ""),
        settings=settings,
        domains=tuple(map(_domain, rows(tables["domain"]))),
        mailboxes=tuple(_mailbox(row, acl, hashes[LIMITS]) for row in boxes),
        aliases=tuple(row for row in rows(tables["alias"]) if row.text("address") != row.text("goto")),
        alias_domains=rows(tables["alias_domain"]),
        relayhosts=rows(tables["relayhosts"]),
        transports=rows(tables["transports"]),
        forwarding_hosts=tuple(
            Row({"host": host, "source": source, "keep_spam": "yes" if host in hashes[KEEP_SPAM] else "no"})
            for host, source in hashes[FORWARDING].items()
        ),
        filters=tuple(map(_filter, rows(tables["sieve_filters"]))),
        recipient_maps=tuple(map(_recipient_map, rows(tables["recipient_maps"]))),
        bcc_maps=rows(tables["bcc_maps"]),
        app_passwords=rows(tables["app_passwd"]),
        keys={name: _key(name, hashes) for name in hashes[PUBLIC]},
        further={what: count for what, count in further.items() if count},
    )


def _domain(row: Row) -> Row:
    return Row({**row.values, "domain_name": row.text("domain"), "max_quota_for_mbox": row.number("maxquota") * MIB})


def _filter(row: Row) -> Row:
    return Row({**row.values, "active": int(row.text("script_name") == "active")})


def _recipient_map(row: Row) -> Row:
    return Row({**row.values, "recipient_map_old": row.text("old_dest"), "recipient_map_new": row.text("new_dest")})


def _mailbox(row: Row, acl: Mapping[str, list[str]], limits: Mapping[str, str]) -> Row:
    name = row.text("username")
    own, common = limits.get(name), limits.get(row.text("domain"))
    value, _, frame = (own or common or "").partition(" / 1")
    return Row(
        {
            **row.values,
            "sender_acl": acl.get(name, []),
            "rl": {"value": value, "frame": frame} if value else False,
            "rl_scope": "mailbox" if own else "domain",
        }
    )


def _key(domain: str, hashes: Mapping[str, Mapping[str, str]]) -> DkimKey:
    selector = hashes[SELECTORS].get(domain, "")
    pem = hashes[PRIVATE].get(f"{selector}.{domain}", "")
    return DkimKey(selector, Secret(pem.encode()) if pem else None)


def _json(text: str, target: Target) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise AdoptError(f"{target} said something that is no Mailcow's", _by_hand(target)) from None


def _pairs(found: Any) -> Mapping[str, str]:
    """A hash of Redis, as HGETALL gives it: names and values in turn. An empty one is `{}` to Lua."""
    words = [str(word) for word in found] if isinstance(found, list) else []
    return dict(zip(words[::2], words[1::2], strict=True)) if len(words) % 2 == 0 else {}
