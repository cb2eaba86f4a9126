"""Names that the making side (a seed disk, a push) and the machine agree on."""

from __future__ import annotations

from typing import Final

LABEL: Final = "MAILNIX-SEED"
"""The file system label of a seed disk."""

CREDSTORE: Final = "credstore"
CA_CERTIFICATES: Final = "ca-certificates"
SEED_ID: Final = "id"
"""A file with a random text: a machine takes each seed disk once."""

REPLACE_MARKER: Final = "replace"
"""A file whose presence lets the disk's credentials replace the machine's."""

SCRIPTS: Final = "/usr/lib/mailnix"
RECEIVE: Final = "receive-credentials"
STORE: Final = "/etc/credstore"  # where systemd looks credentials up (systemd.exec(5))
READY: Final = "mailnix-credentials.service"
"""The unit that services with credentials require and start after."""

SEED: Final = "mailnix-seed.service"
HOST_KEY: Final = "/etc/ssh/ssh_host_ed25519_key.pub"
"""What a machine's SSH server shows of itself."""
