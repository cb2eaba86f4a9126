"""Bring Mailcow to what the description says, through its API: domains, DKIM keys, mailboxes, aliases, admin password.

Only what differs is changed, so a second run changes nothing. Mail is never deleted: a mailbox that we made and that
is described no more is switched off; domains and mailboxes that others made are left alone, and so are passwords.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .admin import set_admin_password
from .api import Api, ApiDenied, ApiDown, ApiError, ApiRefused, wait_until_up
from .description import Alias, Description, Domain, Mailbox, Secrets, read, read_secrets
from .dkim import public_key

MIB = 2**20
MARK = "mailnix"  # the tag of mailboxes, and the private comment of aliases, that we made
# Mailcow's limits per domain are for admins of single domains. Here the description and the disk are the limits.
ROOM = {"mailboxes": 10_000, "aliases": 100_000, "quota": 10 * 2**20, "maxquota": 10 * 2**20}
LIMITS = {
    "mailboxes": ("max_num_mboxes_for_domain", 1),
    "aliases": ("max_num_aliases_for_domain", 1),
    "quota": ("max_quota_for_domain", MIB),
    "maxquota": ("max_quota_for_mbox", MIB),
}
DEFAULT_QUOTA = 3072  # MiB, for mailboxes that people make in Mailcow's own pages
DONE, REFUSED, TRY_AGAIN = 0, 2, 1

Say = Callable[[str], None]
Row = Mapping[str, Any]


class Provisioner:
    """One run: counts the changes, collects the refusals, goes on after one."""

    def __init__(self, api: Api, secrets: Secrets, say: Say) -> None:
        self._api = api
        self._secrets = secrets
        self._say = say
        self.changes = 0
        self.refusals: list[str] = []

    def run(self, description: Description) -> None:
        """Everything, in the order in which Mailcow wants it; raises ApiDown or ApiDenied where the API goes away."""
        found = {row["domain_name"]: row for row in self._api.items("get/domain/all")}
        ready = self._domains(description.domains, found)
        aliases = {row["address"].lower(): row for row in self._api.items("get/alias/all")}
        self._drop_aliases(ready, aliases)
        for domain in ready:
            self._mailboxes(domain, new=domain.name not in found)
        for domain in ready:
            for alias in domain.aliases:
                self._alias(alias, aliases.get(alias.address))
        for name in sorted(set(found) - {domain.name for domain in description.domains}):
            self._say(f"{name}: not described, left as it is")

    @contextmanager
    def _change(self, what: str) -> Iterator[None]:
        """Say and count a change that works; note one that is refused, and go on."""
        try:
            yield
        except ApiRefused as error:
            self.refusals.append(f"{what}: refused: {error}")
        else:
            self.changes += 1
            self._say(what)

    def _domains(self, domains: Iterable[Domain], found: Mapping[str, Row]) -> list[Domain]:
        """Keys first, for Mailcow makes its own where a new domain has none. Gives back the domains that exist."""
        domains = tuple(domains)
        last_new = next((domain.name for domain in reversed(domains) if domain.name not in found), None)
        ready = []
        for domain in domains:
            has_key = self._dkim(domain)
            if domain.name in found:
                self._keep_domain(domain, found[domain.name])
                ready.append(domain)
            elif has_key:
                refused = len(self.refusals)
                with self._change(f"{domain.name}: added"):
                    selector = self._secrets.dkim[domain.name].selector
                    self._api.add("domain", _new_domain(domain, selector, restart_sogo=domain.name == last_new))
                if len(self.refusals) == refused:
                    ready.append(domain)
        return ready

    def _dkim(self, domain: Domain) -> bool:
        """Whether Mailcow now signs with our key and selector."""
        key = self._secrets.dkim.get(domain.name)
        if key is None:
            self.refusals.append(f"{domain.name}: no DKIM key for it in the credential mailcow.dkim")
            return False
        try:
            wanted = public_key(key.pem)
        except ValueError as error:
            self.refusals.append(f"{domain.name}: its DKIM key in the credential mailcow.dkim is unusable: {error}")
            return False
        now = self._api.get(f"get/dkim/{domain.name}") or {}
        if (now.get("pubkey"), now.get("dkim_selector")) == (wanted, key.selector):
            return True
        before = len(self.refusals)
        with self._change(f"{domain.name}: DKIM key {key.selector!r} imported"):
            attributes = {"domain": domain.name, "dkim_selector": key.selector, "private_key_file": key.pem}
            self._api.add("dkim_import", {**attributes, "overwrite_existing": 1})
        return len(self.refusals) == before

    def _keep_domain(self, domain: Domain, now: Row) -> None:
        wanted = _room(domain)
        low = {k: wanted[k] for k, (name, unit) in LIMITS.items() if int(now[name]) // unit < wanted[k]}
        if not int(now["active"]):
            low["active"] = 1
        if low:
            with self._change(f"{domain.name}: {', '.join(sorted(low))} changed"):
                self._api.edit("domain", domain.name, low)
        if int(now.get("relayhost") or 0):
            self._say(f"{domain.name}: has a relay host of its own in Mailcow, its mail does not leave by the proxy")

    def _mailboxes(self, domain: Domain, *, new: bool) -> None:
        rows = [] if new else self._api.items(f"get/mailbox/all/{domain.name}")
        found = {row["username"].lower(): row for row in rows}
        for mailbox in domain.mailboxes:
            if mailbox.address in found:
                self._keep_mailbox(mailbox, found[mailbox.address])
            else:
                self._new_mailbox(mailbox)
        described = {mailbox.address for mailbox in domain.mailboxes}
        for address, row in found.items():
            if address not in described and int(row["active"]) and MARK in (row.get("tags") or ()):
                with self._change(f"{address}: described no more, switched off (its mail is kept)"):
                    self._api.edit("mailbox", address, {"active": 0})

    def _new_mailbox(self, mailbox: Mailbox) -> None:
        password = self._secrets.passwords.get(mailbox.address)
        if not password:
            self.refusals.append(f"{mailbox.address}: no password for it in the credential mailcow.mailboxes")
            return
        with self._change(f"{mailbox.address}: added"):
            self._api.add("mailbox", _new_mailbox(mailbox, password))

    def _keep_mailbox(self, mailbox: Mailbox, now: Row) -> None:
        changed: dict[str, object] = {}
        if int(now["quota"]) // MIB != mailbox.quota:
            changed["quota"] = mailbox.quota
        if mailbox.name and now["name"] != mailbox.name:
            changed["name"] = mailbox.name
        if not int(now["active"]):
            changed["active"] = 1
        if changed:
            with self._change(f"{mailbox.address}: {', '.join(sorted(changed))} changed"):
                self._api.edit("mailbox", mailbox.address, changed)
        if _sends_per_hour(now) != mailbox.sends_per_hour:
            with self._change(
                f"{mailbox.address}: may write to {mailbox.sends_per_hour or 'any number of'} recipients an hour"
            ):
                self._api.edit("rl-mbox", mailbox.address, _limit(mailbox))

    def _drop_aliases(self, domains: Iterable[Domain], found: Mapping[str, Row]) -> None:
        """Remove aliases that we made and that are described no more; before mailboxes, which may take their place."""
        names = {domain.name for domain in domains}
        described = {alias.address for domain in domains for alias in domain.aliases}
        for address, row in found.items():
            ours = row.get("private_comment") == MARK and row["domain"] in names
            if ours and address not in described:
                with self._change(f"{address}: alias removed"):
                    self._api.delete("alias", row["id"])

    def _alias(self, alias: Alias, now: Row | None) -> None:
        goto = ",".join(sorted(alias.to))
        if now is None:
            with self._change(f"{alias.address}: alias of {goto} added"):
                self._api.add("alias", _new_alias(alias.address, goto))
            return
        same_targets = {to.strip().lower() for to in now["goto"].split(",")} == alias.to
        if same_targets and int(now["active"]) and now.get("private_comment") == MARK:
            return
        with self._change(f"{alias.address}: alias of {goto} changed"):
            self._api.edit("alias", now["id"], {"goto": goto, "active": 1, "private_comment": MARK})


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
        "tags": [MARK],
        **flags,
        **_room(domain),
    }


def _new_mailbox(mailbox: Mailbox, password: str) -> dict[str, object]:
    return {
        "local_part": mailbox.local_part,
        "domain": mailbox.domain,
        "name": mailbox.name or mailbox.local_part,  # without one Mailcow stores an empty name
        "authsource": "mailcow",
        "password": password,
        "password2": password,
        "quota": mailbox.quota,
        "active": 1,
        "force_pw_update": 0,
        "tags": [MARK],
        **_limit(mailbox),
    }


def _limit(mailbox: Mailbox) -> dict[str, object]:
    """Mailcow's words for a limit; 0 takes it away."""
    return {"rl_value": mailbox.sends_per_hour, "rl_frame": "h"}


def _sends_per_hour(row: Row) -> int | None:
    """A mailbox's own limit, 0 for none; None for one in another unit, which is not what we set."""
    limit = row.get("rl")
    if not limit or row.get("rl_scope") != "mailbox":
        return 0
    return int(limit["value"]) if limit["frame"] == "h" else None


def _new_alias(address: str, goto: str) -> dict[str, object]:
    flags = {"active": 1, "sogo_visible": 1, "sender_allowed": 1}  # what is not sent counts as 0
    return {"address": address, "goto": goto, "private_comment": MARK, **flags}


def _say(text: str) -> None:
    print(text, flush=True)


def main(path: str = "/etc/mailnix/provision.json") -> int:
    """Wait for the API, provision, and say what was done; the status tells systemd whether to try again."""
    try:
        description = read(Path(path))
        key, secrets = read_secrets()
    except (OSError, ValueError, KeyError) as error:
        _say(f"cannot read the description or its credentials: {error}")
        return REFUSED
    api = Api(description.api, key, description.hostname)
    work = Provisioner(api, secrets, _say)
    try:
        wait_until_up(api, _say)
        changed_admin = set_admin_password(api, secrets.admin, Path(os.environ.get("STATE_DIRECTORY", ".")), _say)
        work.run(description)
    except ApiDown as error:
        _say(f"Mailcow's API went away: {error}")
        return TRY_AGAIN
    except ApiDenied as error:
        _say(f"Mailcow's API refuses us: {error}")
        _say("if the credential mailcow.api-key is newer than Mailcow's start: systemctl restart mailcow")
        return REFUSED
    except ApiError as error:
        _say(f"Mailcow's API: {error}")
        return REFUSED
    for refusal in work.refusals:
        print(refusal, file=sys.stderr)
    _say(f"{work.changes + changed_admin} changes, {len(work.refusals)} refused")
    return REFUSED if work.refusals else DONE
