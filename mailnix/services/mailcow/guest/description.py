"""What Mailcow shall hold, as /etc/mailnix/provision.json says it: no secret in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
FIRST_FD = 3  # sd_listen_fds(3)


@dataclass(frozen=True)
class Mailbox:
    """A mailbox: quota in MiB, recipients an hour, 0 for no limit of either; an empty name leaves the one it has."""

    local_part: str
    domain: str
    name: str
    quota: int
    sends_per_hour: int

    @property
    def address(self) -> str:
        """The whole address."""
        return f"{self.local_part}@{self.domain}"


@dataclass(frozen=True)
class Alias:
    """An address that delivers to others."""

    address: str
    to: frozenset[str]


@dataclass(frozen=True)
class Domain:
    """A mail domain and what is in it."""

    name: str
    mailboxes: tuple[Mailbox, ...]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True)
class Description:
    """Where the API is, the name Mailcow goes by, and the domains."""

    api: str
    hostname: str
    domains: tuple[Domain, ...]


def read(path: Path) -> Description:
    """Read the description; raises ValueError for one that this program does not understand."""
    data = json.loads(path.read_text("utf-8"))
    if data.get("version") != VERSION:
        raise ValueError(f"{path} has version {data.get('version')!r}; this program understands {VERSION}")
    return Description(data["api"], data["hostname"], tuple(_domain(item) for item in data["domains"]))


def _domain(data: Mapping[str, Any]) -> Domain:
    name = data["name"]
    return Domain(
        name,
        tuple(_mailbox(item, name) for item in data["mailboxes"]),
        tuple(
            Alias(f"{alias['local_part']}@{name}".lower(), frozenset(to.lower() for to in alias["to"]))
            for alias in data["aliases"]
        ),
    )


def _mailbox(data: Mapping[str, Any], domain: str) -> Mailbox:
    return Mailbox(data["local_part"].lower(), domain, data["name"], data["quota_mib"], data["sends_per_hour"])


@dataclass(frozen=True)
class DkimKey:
    """A private key (PEM), and the selector that its public half is published under.

    They travel together: a new key handed over before the new description must not sign under the old selector.
    """

    selector: str
    pem: str

    def __repr__(self) -> str:
        return f"DkimKey({self.selector!r}, …)"


@dataclass(frozen=True)
class Secrets:
    """What goes with the description: DKIM keys by domain, first passwords by address, the admin's password."""

    dkim: Mapping[str, DkimKey]
    passwords: Mapping[str, str]
    admin: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def read_secrets() -> tuple[str, Secrets]:
    """The API key and the rest, from this unit's credentials."""
    bundle = json.loads(credential("mailcow.dkim"))
    keys = {domain: DkimKey(item["selector"], item["private_key"]) for domain, item in bundle.items()}
    passwords = {address.lower(): word for address, word in json.loads(credential("mailcow.mailboxes")).items()}
    admin = credential("mailcow.admin-password").strip()
    return credential("mailcow.api-key").strip(), Secrets(keys, passwords, admin)


def credential(name: str) -> str:
    """A credential by name; raises FileNotFoundError.

    Systemd hands small ones over in $CREDENTIALS_DIRECTORY, at most 1 MB for a unit in all. A thousand DKIM keys are
    more than that, so the bundles come as open files (`OpenFile=`).
    """
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    if name in names:
        with os.fdopen(FIRST_FD + names.index(name), encoding="utf-8", closefd=False) as file:
            return file.read()
    return (Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials")) / name).read_text("utf-8")
