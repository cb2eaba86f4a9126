"""DKIM keys of an existing Mailcow, taken into a secrets folder: receivers go on finding them in DNS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from mailnix.plan.types import Plan, SecretKind
from mailnix.secrets import bundles, dkim
from mailnix.secrets.folder import Folder
from mailnix.secrets.value import Secret


@frozen
class Taken:
    """Domains whose key is in the folder now, those that had another there, and those whose key is none of RSA."""

    new: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


def take_dkim(plan: Plan, path: Path, keys: Mapping[str, Secret]) -> Taken:
    """Put private keys (PEM) of described domains into the folder, under the selectors that the plan names.

    One that is there stays. Raises SecretsError where the folder is open to others or damaged.
    """
    selectors = {domain.name: domain.dkim_selector for domain in plan.topology.domains}
    pems = {name: _pem(key) for name, key in keys.items() if name in selectors}
    good = {name: pem for name, pem in pems.items() if pem}
    if not good:
        return Taken(unusable=tuple(pems))
    folder = Folder(path)
    folder.create()
    (credential,) = (each for each in plan.credentials if each.kind is SecretKind.DKIM_BUNDLE)
    with folder.locked():
        kept = folder.get(credential.host, credential.name)
        entries = bundles.load(kept, credential.kind, f"{credential.host}/{credential.name}")
        new = {name: {"selector": selectors[name], "private_key": pem} for name, pem in good.items()}
        other = tuple(name for name, entry in new.items() if entries.get(name, entry) != entry)
        folder.put(credential.host, credential.name, bundles.dump({**new, **entries}))
    taken = tuple(name for name in new if name not in other)
    return Taken(taken, other, tuple(name for name in pems if name not in good))


def _pem(key: Secret) -> str:
    """The key as the folder keeps them, or "" where it is no whole RSA key."""
    try:
        pem = key.reveal().decode("ascii").replace("\r", "").strip() + "\n"
    except UnicodeDecodeError:
        return ""
    return pem if dkim.is_whole(pem) else ""
