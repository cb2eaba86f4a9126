"""/etc/mailnix/provision.json: what Mailcow shall hold, as the provisioner on the machine reads it. No secret in it.

A key stands there only where the description says something: what was said of nothing stays as it is in Mailcow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mailnix.model import Alias, AppPassword, Domain, Mailbox, State, mirrors
from mailnix.model.mail import address_of, sender_of, shown_name
from mailnix.model.names import MIB, parse_size
from mailnix.plan import Plan
from mailnix.services.mailcow.render import api

VERSION = 1


def provision_json(plan: Plan) -> str:
    """The text of the file."""
    domains = mirrors.by_name(plan.topology)
    content = {
        "version": VERSION,
        "api": api(plan.internal),
        "hostname": plan.topology.hostname,
        "domains": [_domain(domain, domains) for domain in plan.topology.domains],
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _domain(domain: Domain, domains: Mapping[str, Domain]) -> dict[str, object]:
    mirrored = {"alias_of": domain.alias_of} if domain.alias_of else {}
    return {
        "name": domain.name,
        "mailboxes": [_mailbox(mailbox, domain.name) for mailbox in domain.mailboxes],
        "aliases": [_alias(alias) for alias in mirrors.aliases(domain, domains)],
        **mirrored,
    }


def _mailbox(mailbox: Mailbox, domain: str) -> dict[str, object]:
    """Quotas are whole MiB in Mailcow, rounded up so that a small one does not become "no limit"."""
    said: dict[str, object] = {
        "state": "" if mailbox.state is State.ACTIVE else mailbox.state,
        "protocols": sorted(set(mailbox.protocols)),
        "send_as": sorted({sender_of(text, domain) for text in mailbox.send_as}),
        "app_passwords": [_app_password(app) for app in mailbox.app_passwords],
    }
    if mailbox.forward_to:
        targets = dict.fromkeys(address_of(text, domain) for text in mailbox.forward_to)
        said["forward"] = {"to": [*targets], "keep_copy": mailbox.keep_copy}
    return {
        "local_part": mailbox.local_part,
        "name": shown_name(mailbox.name),
        "quota_mib": -(-parse_size(mailbox.quota) // MIB),
        "sends_per_hour": mailbox.sends_per_hour,
        **{key: value for key, value in said.items() if value},
    }


def _app_password(app: AppPassword) -> dict[str, object]:
    return {"name": app.name, "protocols": sorted(set(app.protocols))}


def _alias(alias: Alias) -> dict[str, object]:
    discard = {"discard": True} if alias.discard else {}
    return {"local_part": alias.local_part, "to": [*alias.to], **discard}
