"""What Mailcow shall hold, as /etc/mailnix/provision.json says it: no secret in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1
ACTIVE = {"active": 1, "archived": 2, "inactive": 0}  # as Mailcow counts
FIRST_FD = 3  # sd_listen_fds(3)


@dataclass(frozen=True)
class Forward:
    """Where a mailbox hands its mail on, and whether it keeps a copy."""

    to: tuple[str, ...]
    keep_copy: bool


@dataclass(frozen=True)
class AppPassword:
    """A further password, by its name, and the protocols that it opens."""

    name: str
    protocols: frozenset[str]


@dataclass(frozen=True)
class Mailbox:
    """A mailbox: quota in MiB, recipients an hour, 0 for no limit of either; an empty name leaves the one it has.

    `active` is Mailcow's: 1, 2 (takes mail, lets nobody in) or 0. What is empty was not said, and stays as it is.
    """

    local_part: str
    domain: str
    name: str
    quota: int
    sends_per_hour: int
    active: int = 1
    protocols: frozenset[str] = frozenset()
    send_as: frozenset[str] = frozenset()
    forward: Forward | None = None
    app_passwords: tuple[AppPassword, ...] = ()

    @property
    def address(self) -> str:
        """The whole address."""
        return f"{self.local_part}@{self.domain}"


@dataclass(frozen=True)
class Alias:
    """An address that delivers to others, or to nobody; "@example.org" is for all that the domain does not have."""

    address: str
    to: frozenset[str]
    discard: bool = False


@dataclass(frozen=True)
class Domain:
    """A mail domain and what is in it; `alias_of` is the one that it mirrors, empty for none."""

    name: str
    mailboxes: tuple[Mailbox, ...]
    aliases: tuple[Alias, ...]
    alias_of: str = ""


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
        tuple(_alias(item, name) for item in data["aliases"]),
        data.get("alias_of", ""),
    )


def _alias(data: Mapping[str, Any], domain: str) -> Alias:
    targets = frozenset(to.lower() for to in data["to"])
    return Alias(f"{data['local_part']}@{domain}".lower(), targets, data.get("discard", False))


def _mailbox(data: Mapping[str, Any], domain: str) -> Mailbox:
    forward, apps = data.get("forward"), data.get("app_passwords", ())
    return Mailbox(
        data["local_part"].lower(),
        domain,
        data["name"],
        data["quota_mib"],
        data["sends_per_hour"],
        ACTIVE[data.get("state", "active")],
        frozenset(data.get("protocols", ())),
        frozenset(data.get("send_as", ())),
        Forward(tuple(to.lower() for to in forward["to"]), forward["keep_copy"]) if forward else None,
        tuple(AppPassword(app["name"], frozenset(app["protocols"])) for app in apps),
    )


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
    """What goes with the description: DKIM keys by domain, first passwords by address (and app
    passwords by "address/name"), the admin's password."""

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
