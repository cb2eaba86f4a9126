"""Credentials that hold many secrets at once: DKIM keys by domain, first passwords by mailbox (both JSON).

Entries of domains and mailboxes that have left the topology are kept: whoever puts them back finds the same key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from mailnix.errors import SecretsError
from mailnix.model.topology import Topology
from mailnix.plan.types import SecretKind
from mailnix.secrets import dkim
from mailnix.secrets.make import mailbox_password
from mailnix.secrets.value import Secret

SAVE_EVERY: Final = 50
"""So many new DKIM keys are at risk when a long run is interrupted."""

Save = Callable[[Secret], None]
BUNDLES: Final = frozenset({SecretKind.DKIM_BUNDLE, SecretKind.MAILBOX_BUNDLE})


def load(secret: Secret | None, name: str) -> dict[str, Any]:
    """A bundle's entries; raises SecretsError where it is damaged: no JSON, or an entry that neither kind has."""
    if secret is None:
        return {}
    try:
        entries = json.loads(secret.reveal())
    except ValueError:
        entries = None
    if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
        raise SecretsError(f"{name} in the secrets folder is damaged", "put it back from a backup, or delete the file")
    return entries


def _is_entry(entry: object) -> bool:
    """A password, or a selector and a key."""
    if isinstance(entry, dict):
        return {"selector", "private_key"} <= set(entry)
    return isinstance(entry, str) and bool(entry)


def dump(entries: dict[str, Any]) -> Secret:
    """Entries as they are kept and given to a machine."""
    return Secret((json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())


def mailboxes(topology: Topology) -> Iterator[str]:
    """Every mailbox address."""
    return (f"{mailbox.local_part}@{domain.name}" for domain in topology.domains for mailbox in domain.mailboxes)


def fill(
    kind: SecretKind,
    entries: dict[str, Any],
    topology: Topology,
    save: Save,
    on_progress: dkim.OnProgress | None = None,
) -> tuple[str, ...]:
    """Add what the topology has and the bundle has not; `save` is called with the bundle as it grows."""
    if kind is SecretKind.MAILBOX_BUNDLE:
        missing = tuple(address for address in mailboxes(topology) if address not in entries)
        entries.update((address, mailbox_password()) for address in missing)
    else:
        missing = _fill_dkim(entries, topology, save, on_progress)
    save(dump(entries))
    return missing


def _fill_dkim(
    entries: dict[str, Any], topology: Topology, save: Save, on_progress: dkim.OnProgress | None
) -> tuple[str, ...]:
    """A domain whose selector changed gets a new key: the old selector's record may then stay in DNS for a while."""
    missing = [d for d in topology.domains if entries.get(d.name, {}).get("selector") != d.dkim_selector]
    for number, (domain, pem) in enumerate(zip(missing, dkim.keys(len(missing), on_progress), strict=True), start=1):
        entries[domain.name] = {"selector": domain.dkim_selector, "private_key": pem}
        if number % SAVE_EVERY == 0:
            save(dump(entries))
    return tuple(domain.name for domain in missing)


def dkim_public(entries: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Each domain's selector and public key, for `public.json`."""
    return {
        domain: {"selector": entry["selector"], "p": dkim.public(entry["private_key"], domain)}
        for domain, entry in entries.items()
    }
