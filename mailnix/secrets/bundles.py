"""Credentials that hold many secrets at once: DKIM keys by domain, passwords by mailbox (both JSON).

Passwords are the first one of each mailbox, by its address, and app passwords, by "alice@example.org/phone".

Entries of domains and mailboxes that have left the topology are kept: whoever puts them back finds the same key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from mailnix.errors import SecretsError
from mailnix.model.mail import Mailbox, app_password_entry
from mailnix.model.topology import Topology
from mailnix.plan.types import SecretKind
from mailnix.secrets import dkim
from mailnix.secrets.make import mailbox_password
from mailnix.secrets.value import Secret

SAVE_EVERY: Final = 50
"""So many new DKIM keys are at risk when a long run is interrupted."""

Save = Callable[[Secret], None]
Read = Callable[[str], str]
"""The text of a file of the user's in the secrets folder."""
BUNDLES: Final = frozenset({SecretKind.DKIM_BUNDLE, SecretKind.MAILBOX_BUNDLE})


def load(secret: Secret | None, kind: SecretKind, name: str) -> dict[str, Any]:
    """A bundle's entries; raises SecretsError where it is damaged: no JSON, or an entry that its kind has not."""
    if secret is None:
        return {}
    entries = _parsed(secret)
    if entries is None or not all(_is_entry(kind, entry) for entry in entries.values()):
        hint = f"put it back from a backup, or make it anew: mailnix secrets rotate CONFIG {name}"
        raise SecretsError(f"{name} in the secrets folder is damaged", hint)
    return entries


def wrong(kind: SecretKind, secret: Secret) -> str | None:
    """What is wrong with a bundle, without a byte of it; None where nothing is.

    Keys are only looked at from outside, since every verb asks this and reading a thousand would take its time.
    """
    entries = _parsed(secret)
    what = "DKIM key" if kind is SecretKind.DKIM_BUNDLE else "mailbox password"
    if entries is None:
        return f"it is no list of {what}s (JSON, by address or domain)"
    if not all(_is_entry(kind, entry) for entry in entries.values()):
        return f"an entry is no {what}"
    if kind is SecretKind.DKIM_BUNDLE and not all(dkim.is_whole(entry["private_key"]) for entry in entries.values()):
        return "the key of a domain is cut off, or is no private key"
    return None


def _parsed(secret: Secret) -> dict[str, Any] | None:
    try:
        entries = json.loads(secret.reveal())
    except (ValueError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


def _is_entry(kind: SecretKind, entry: object) -> bool:
    """A password, or a selector and a key."""
    if kind is SecretKind.DKIM_BUNDLE:
        wanted = ("selector", "private_key")
        return isinstance(entry, dict) and all(isinstance(entry.get(name), str) and entry[name] for name in wanted)
    return isinstance(entry, str) and bool(entry)


def dump(entries: dict[str, Any]) -> Secret:
    """Entries as they are kept and given to a machine."""
    return Secret((json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())


def mailboxes(topology: Topology) -> Iterator[str]:
    """Every entry of the bundle of passwords."""
    for address, mailbox in _addresses(topology):
        yield address
        yield from (app_password_entry(address, app.name) for app in mailbox.app_passwords)


def _addresses(topology: Topology) -> Iterator[tuple[str, Mailbox]]:
    return ((f"{box.local_part}@{domain.name}", box) for domain in topology.domains for box in domain.mailboxes)


def fill(
    kind: SecretKind,
    entries: dict[str, Any],
    topology: Topology,
    save: Save,
    on_progress: dkim.OnProgress | None = None,
    *,
    read: Read,
) -> tuple[str, ...]:
    """Add what the topology has and the bundle has not; `save` is called with the bundle as it grows.

    Passwords that the topology gives, as a hash or in a file, take the place of others. Raises SecretsError for a file
    that has none.
    """
    if kind is SecretKind.MAILBOX_BUNDLE:
        given = {address: _given(box, read) for address, box in _addresses(topology) if _is_given(box)}
        changed = {address for address, password in given.items() if entries.get(address) != password}
        missing = tuple(name for name in mailboxes(topology) if name not in entries or name in changed)
        entries.update((name, given.get(name) or mailbox_password()) for name in missing)
    else:
        missing = _fill_dkim(entries, topology, save, on_progress)
    save(dump(entries))
    return missing


def _is_given(mailbox: Mailbox) -> bool:
    return bool(mailbox.password_hash or mailbox.password_file)


def _given(mailbox: Mailbox, read: Read) -> str:
    return mailbox.password_hash or read(mailbox.password_file or "")


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
