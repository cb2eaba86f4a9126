"""Ask the questions, and keep of the answers what may be compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final, Protocol

from mailnix.services.mailcow.guest.dkim import public_key
from tests.lab.fake_mailcow.contract.cases import DOMAIN, ID, MIRROR, OTHERS, Case

DATES: Final = frozenset({"created", "last_mail_login", "last_modified", "modified", "passwd_update"})
VOLATILE: Final = DATES | {"id", "log"}
NAMES: Final = ("address", "username", "domain_name", "alias_domain")  # what a row of a list is called
TOO_MUCH: Final = {  # words that say the same every time
    "alias_added": 2,
    **dict.fromkeys(("app_passwd_id_invalid", "app_passwd_removed", "delete_filter", "object_modified"), 1),
    "private_key_error": 1,
}
SHOWN: Final = (
    *("active", "domain", "goto", "name", "quota", "tags", "target_domain"),
    *("script_data", "script_desc", "filter_type", "imap_access", "smtp_access", "dav_access", "mailbox"),
)
"""Of a row in a list; one alone is compared whole."""
KEY: Final = "(the public key)"
ATTEMPTS: Final = 60

Answer = dict[str, Any]
"""{"status": 200, "body": …}: messages as [type, words], rows by their names, without dates and numbers."""


class Reply(Protocol):
    """What an API answers."""

    @property
    def status(self) -> int:
        """Of HTTP."""

    @property
    def body(self) -> Any:
        """From JSON, or a text."""


Call = Callable[..., Reply]
"""call(path, body, key=…, raw=…, method=…)."""


def ask_all(call: Call, cases: Iterable[Case], pem: str, again: Container[str]) -> dict[str, Answer]:
    """The answers by the cases' names; `pem` is the key that they have in them."""
    return {case.name: essence(ask(call, case, again), public_key(pem)) for case in cases}


def ask(call: Call, case: Case, again: Container[str]) -> Reply:
    """One answer; where a good key is refused with one of the words in `again`, the question is put again."""
    body = case.body
    if case.alias or case.row:
        rows = call(case.row or "get/alias/all").body
        rows = rows if isinstance(rows, list) else []
        numbers = [row["id"] for row in rows if case.row or row["address"] == case.alias]
        body = json.loads(json.dumps(body).replace(f'"{ID}"', json.dumps(numbers[0] if numbers else 0)))
    for _attempt in range(ATTEMPTS):
        reply = call(case.path, body, **case.extra)
        if not (case.good_key and isinstance(reply.body, list) and reply.body[-1]["msg"][0] in again):
            return reply
    raise AssertionError(f"{case.name}: {ATTEMPTS} times {reply.body}")


def essence(reply: Reply, key: str) -> Answer:
    """What may be compared of an answer."""
    return {"status": reply.status, "body": json.loads(json.dumps(_essence(reply.body)).replace(key, KEY))}


def _essence(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(item, dict) and "type" in item for item in value):
        return [[item["type"], _words(item.get("msg"))] for item in value]
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return {_name(row): {name: row[name] for name in SHOWN if name in row} for row in value if _ours(row)}
    if isinstance(value, dict) and "type" in value:
        return [value["type"], _words(value.get("msg"))]
    if isinstance(value, dict):
        return {name: _essence(item) for name, item in value.items() if name not in VOLATILE}
    return value


def _words(words: object) -> object:
    """A message without what is different every time: the number of a new alias, OpenSSL's complaint."""
    return words[: TOO_MUCH.get(str(words[0]))] if isinstance(words, list) and words else words


def _name(row: Mapping[str, Any]) -> str:
    return next((str(row[key]) for key in NAMES if key in row), "")


def _ours(row: Mapping[str, Any]) -> bool:
    """Whether a row belongs to the cases, and not to what else there is."""
    name = _name(row) or DOMAIN
    return name == "admin" or name.partition("@")[2] in (DOMAIN, MIRROR) or name in (DOMAIN, MIRROR, *OTHERS)
