"""From a Mailcow that is there to a description: read → fit → write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import AdoptError
from mailnix.plan import derive

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailnix.adopt import Adopted, Existing
    from mailnix.secrets import Secret, Taken
    from mailnix.starter import Answers


def existing(source: str, key: Callable[[], Secret], hostname: str, ca: Path | None) -> Existing:
    """What an existing Mailcow holds: by its API where `source` is a URL, for which `key` is asked, else over SSH.

    Raises AdoptError.
    """
    from attrs import evolve

    from mailnix.adopt import https, ssh

    if "://" not in source and "@" not in source:
        raise AdoptError(f"{source!r} names no Mailcow", "write https://mail.example.org, or root@ADDRESS")
    if source.startswith("ssh://") or "://" not in source:
        found = ssh.read(ssh.target_of(source))
    else:
        base = https.base_of(source)
        found = https.read(base, https.getter(base, key(), ca), https.host_of(base))
    return evolve(found, hostname=hostname or found.hostname)


def adopt(found: Existing, answers: Answers, target: Path, secrets: Path) -> tuple[Adopted, Taken]:
    """Write the description that fits an existing Mailcow, and its DKIM keys where it gave them.

    Nothing is written before all of it is known to be sound; raises ConfigError, SecretsError, BuildError.
    """
    from mailnix.adopt import adopted
    from mailnix.secrets import take_dkim
    from mailnix.write import write_file, writing

    made = adopted(found, answers)
    keys = {name: key.private for name, key in found.keys.items() if key.private is not None}
    taken = take_dkim(derive(made.topology), secrets, keys)
    with writing(target):
        write_file(target, made.text.encode())
    return made, taken
