"""An existing Mailcow as it was read, by its API or from its database: what both ways have in common.

Rows are named as Mailcow's API names them. Nothing in them is trusted to be of its type, or there: PHP and MariaDB
write numbers as texts, and versions differ in what they have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from mailnix.secrets import Secret

TEXT_MAX: Final = 4096  # characters; nothing that a description says is longer
SECRETS: Final = frozenset({"password", "password_short"})
"""Columns with relays' passwords and hashes of people's."""
BIGINT: Final = 2**63  # what MariaDB's widest integers stay below


@frozen
class Row:
    """A row with values of the kinds that are asked for."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text, empty where it is missing or none."""
        value = self.values.get(name)
        return str(value)[:TEXT_MAX] if isinstance(value, str | int) and not isinstance(value, bool) else ""

    def number(self, name: str, default: int = 0) -> int:
        """A whole number; `default` where it is missing, none, or larger than Mailcow's database has them."""
        value = self.values.get(name)
        try:
            number = int(value) if isinstance(value, str | int | float) else default
        except (ValueError, OverflowError):
            return default
        return number if abs(number) <= BIGINT else default

    def flag(self, name: str, *, default: bool) -> bool:
        """Mailcow's switches: 1 and 0, as numbers or texts (2 is "on, with conditions")."""
        return self.number(name, int(default)) != 0

    def row(self, name: str) -> Row:
        """A table in a row, also where it is JSON in a text; empty where there is none."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = None
        return Row(value if isinstance(value, Mapping) else {})

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.values.get(name)
        return tuple(str(item)[:TEXT_MAX] for item in value) if isinstance(value, list) else ()


def rows(items: Iterable[Any]) -> tuple[Row, ...]:
    """Those of `items` that are rows, without what is secret in them."""
    found = (item for item in items if isinstance(item, Mapping))
    return tuple(Row({name: value for name, value in item.items() if name not in SECRETS}) for item in found)


@frozen
class DkimKey:
    """The key that a domain signs with: its selector, and the private half (PEM) where Mailcow gives it away."""

    selector: str
    private: Secret | None = None


@frozen
class Existing:
    """What a Mailcow holds, as far as a description could say it, and what else is in it that needs to be moved.

    `settings` are variables of its mailcow.conf, none where it was not seen; `further` counts what mailnix describes
    nowhere, by what it is called on Mailcow's pages.
    """

    source: str
    hostname: str
    version: str = ""
    settings: Mapping[str, str] = field(factory=dict)
    domains: tuple[Row, ...] = ()
    mailboxes: tuple[Row, ...] = ()
    aliases: tuple[Row, ...] = ()
    alias_domains: tuple[Row, ...] = ()
    relayhosts: tuple[Row, ...] = ()
    transports: tuple[Row, ...] = ()
    forwarding_hosts: tuple[Row, ...] = ()
    filters: tuple[Row, ...] = ()
    recipient_maps: tuple[Row, ...] = ()
    bcc_maps: tuple[Row, ...] = ()
    app_passwords: tuple[Row, ...] = ()
    keys: Mapping[str, DkimKey] = field(factory=dict)
    further: Mapping[str, int] = field(factory=dict)
