"""Domains and their DKIM keys, and domains that mirror another (Mailcow's alias domains).

A tag remembers that a domain is, or was, described. Alias domains have no tags, so one of the domain that they mirror
remembers them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from .api import ApiRefused, ApiUnlucky
from .description import DkimKey, Domain
from .dkim import public_key
from .work import Row, Work

MIB = 2**20
MARK = "mailnix"  # the tag of domains and mailboxes, and the private comment of aliases, that are described
PREFIX = f"{MARK}: "  # of names of app passwords that we made, and before the comments that aliases had
# Mailcow's limits per domain are for admins of single domains. Here the description and the disk are the limits.
ROOM = {"mailboxes": 10_000, "aliases": 100_000, "quota": 10 * 2**20, "maxquota": 10 * 2**20}
TAG_LENGTH, TAGS_AT_ONCE = 255, 25  # a column of Mailcow's, and its TAGGING_LIMIT
LIMITS = {
    "mailboxes": ("max_num_mboxes_for_domain", 1),
    "aliases": ("max_num_aliases_for_domain", 1),
    "quota": ("max_quota_for_domain", MIB),
    "maxquota": ("max_quota_for_mbox", MIB),
}
DEFAULT_QUOTA = 3072  # MiB, for mailboxes that people make in Mailcow's own pages
# Any OpenSSL error that is left in a PHP worker spoils a key's import there, and each try takes one away.
UNLUCKY, TRIES, PAUSE = "private_key_error", 20, 0.2
IN_PAGES = "in Mailcow's pages, with haraka-in stopped so that mail waits; then: systemctl restart mailcow-provision"


class Domains:
    """Brings domains to what is described; `ready` and `found` are those that exist now, and did before.

    `gone` are those that were described, and are no more.
    """

    def __init__(self, work: Work, keys: Mapping[str, DkimKey], pause: Callable[[float], None] = time.sleep) -> None:
        self._work = work
        self._keys = keys
        self._pause = pause
        self._mirrors: dict[str, Row] = {}
        self._wanted: dict[str, list[str]] = {}
        self.found: dict[str, Row] = {}
        self.ready: list[Domain] = []
        self.gone: list[str] = []

    def bring(self, domains: Iterable[Domain]) -> None:
        """Keys first, for Mailcow makes its own where a new domain has none; mirrors after what they mirror."""
        domains = tuple(domains)
        self.found = {row["domain_name"]: row for row in self._work.api.items("get/domain/all")}
        mirrors: dict[str, Row] = {row["alias_domain"]: row for row in self._work.api.items("get/alias-domain/all")}
        self._mirrors = mirrors
        self._wanted = _tags(domains)
        own = [domain for domain in domains if not domain.alias_of]
        last_new = next((domain.name for domain in reversed(own) if domain.name not in self.found), None)
        for domain in own:
            if domain.name in mirrors:
                now = mirrors[domain.name]["target_domain"]
                self._refuse(f"{domain.name}: is an alias domain of {now} in Mailcow: delete that {IN_PAGES}")
            elif self._domain(domain, restart_sogo=domain.name == last_new):
                self.ready.append(domain)
        there = {domain.name for domain in self.ready}
        for domain in domains:
            if domain.alias_of in there and self._mirror(domain, mirrors.get(domain.name)):
                self.ready.append(domain)
        self._leave({*self.found, *mirrors} - {domain.name for domain in domains})

    def _leave(self, names: Iterable[str]) -> None:
        """Tell domains that were described once from those that others made."""
        said = {tag for row in self.found.values() for tag in tags(row)}
        for name in sorted(names):
            if mirror_tag(name) in said if name in self._mirrors else MARK in tags(self.found[name]):
                self.gone.append(name)
            else:
                self._work.say(f"{name}: not described, left as it is")

    def switch_off(self, name: str, mailboxes: Callable[[str], bool]) -> None:
        """Switch off one of `gone`, after its mailboxes; one that is off already takes no call.

        Who writes to it from here would otherwise reach the mailbox here, whoever has the domain by now.
        """
        row, kind = (self._mirrors[name], "alias-domain") if name in self._mirrors else (self.found[name], "domain")
        if int(row["active"]) and (name in self._mirrors or mailboxes(name)):
            what = f"{name}: described no more, switched off (its mail is kept)"
            self._work.attempt(what, self._work.api.edit, kind, name, {"active": 0})

    def _refuse(self, text: str) -> None:
        self._work.refusals.append(text)

    def _domain(self, domain: Domain, *, restart_sogo: bool) -> bool:
        """Whether the domain exists now."""
        has_key = self._dkim(domain)
        if domain.name in self.found:
            self._keep(domain, self.found[domain.name])
            return True
        if not has_key:
            return False
        attributes = _new_domain(domain, self._keys[domain.name].selector, restart_sogo=restart_sogo)
        attributes["tags"] = self._wanted[domain.name][:TAGS_AT_ONCE]
        return self._work.attempt(f"{domain.name}: added", self._work.api.add, "domain", attributes)

    def _mirror(self, domain: Domain, now: Row | None) -> bool:
        name, target = domain.name, domain.alias_of
        if name in self.found:
            self._refuse(f"{name}: is a domain of its own in Mailcow; to mirror {target}, delete it {IN_PAGES}")
            return False
        has_key = self._dkim(domain)
        attributes = {"target_domain": target, "active": 1}
        if now is None:
            new = {"alias_domain": name, **attributes}
            what = f"{name}: alias domain of {target} added"
            return has_key and self._work.attempt(what, self._work.api.add, "alias-domain", new)
        if now["target_domain"] != target or not int(now["active"]):
            what = f"{name}: alias domain of {target}"
            return self._work.attempt(what, self._work.api.edit, "alias-domain", name, attributes)
        return True

    def _dkim(self, domain: Domain) -> bool:
        """Whether Mailcow now signs with our key and selector."""
        key = self._keys.get(domain.name)
        if key is None:
            self._refuse(f"{domain.name}: no DKIM key for it in the credential mailcow.dkim")
            return False
        try:
            wanted = public_key(key.pem)
        except ValueError as error:
            self._refuse(f"{domain.name}: its DKIM key in the credential mailcow.dkim is unusable: {error}")
            return False
        try:
            now = self._work.api.get(f"get/dkim/{domain.name}") or {}
        except ApiRefused as error:
            self._refuse(f"{domain.name}: its DKIM key: refused: {error}")
            return False
        if (now.get("pubkey"), now.get("dkim_selector")) == (wanted, key.selector):
            return True
        what = f"{domain.name}: DKIM key {key.selector!r} imported"
        return self._work.attempt(what, self._import, domain.name, key)

    def _import(self, name: str, key: DkimKey) -> None:
        """Raises ApiUnlucky where Mailcow refused a sound key every time."""
        attributes = {"domain": name, "dkim_selector": key.selector, "private_key_file": key.pem}
        for last in range(1 - TRIES, 1):
            try:
                return self._work.api.add("dkim_import", {**attributes, "overwrite_existing": 1})
            except ApiRefused as error:
                if UNLUCKY not in str(error):
                    raise
                if last == 0:
                    raise ApiUnlucky(f"{error} ({TRIES} times)") from None
            self._pause(PAUSE)
        return None

    def _keep(self, domain: Domain, now: Row) -> None:
        wanted = _room(domain)
        changed: dict[str, object] = {
            key: wanted[key] for key, (name, unit) in LIMITS.items() if int(now[name]) // unit < wanted[key]
        }
        if not int(now["active"]):
            changed["active"] = 1
        new = [tag for tag in self._wanted[domain.name] if tag not in tags(now)]
        if new:
            changed["tags"] = new[:TAGS_AT_ONCE]
        if changed:
            what = f"{domain.name}: {', '.join(sorted(changed))} changed"
            self._work.attempt(what, self._work.api.edit, "domain", domain.name, changed)
        if int(now.get("relayhost") or 0):
            self._work.say(
                f"{domain.name}: has a relay host of its own in Mailcow, its mail does not leave by the proxy"
            )


def tags(row: Row) -> frozenset[str]:
    """The tags of a domain or mailbox; Mailcow leaves the key out where there are none."""
    return frozenset(row.get("tags") or ())


def mirror_tag(name: str) -> str:
    """The tag by which a domain remembers that one of this name mirrors it."""
    return f"{MARK}-mirror:{name}"[:TAG_LENGTH]


def _tags(domains: Iterable[Domain]) -> dict[str, list[str]]:
    """The tags of each domain that shall have some."""
    found: dict[str, list[str]] = {}
    for domain in domains:
        found.setdefault(domain.name, [MARK])
        if domain.alias_of:
            found.setdefault(domain.alias_of, [MARK]).append(mirror_tag(domain.name))
    return found


def _room(domain: Domain) -> dict[str, int]:
    """Limits that no described mailbox reaches."""
    quotas = [mailbox.quota for mailbox in domain.mailboxes]
    needed = {
        "mailboxes": len(domain.mailboxes),
        "aliases": len(domain.aliases),
        "quota": sum(quotas),
        "maxquota": max(quotas, default=0),
    }
    return {key: max(ROOM[key], value) for key, value in needed.items()}


def _new_domain(domain: Domain, selector: str, *, restart_sogo: bool) -> dict[str, object]:
    """Attributes of add/domain; SOGo learns of domains at its start, so the last new one restarts it."""
    flags = {"active": 1, "gal": 1, "backupmx": 0, "relay_all_recipients": 0, "relay_unknown_only": 0}
    return {
        "domain": domain.name,
        "description": domain.name,
        "dkim_selector": selector,
        "key_size": 2048,
        "defquota": DEFAULT_QUOTA,
        "restart_sogo": int(restart_sogo),
        **flags,
        **_room(domain),
    }
