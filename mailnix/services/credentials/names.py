"""Names that the making side (a seed disk, a push) and the machine agree on; the NixOS module reads the same file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.formats.text import data

NAMES: Final[Mapping[str, str]] = data("credentials/names.toml")

LABEL: Final = NAMES["label"]
"""The file system label of a seed disk."""

LABEL_FAT: Final = NAMES["label_fat"]
"""The same on FAT, whose labels have 11 letters at most."""

CREDSTORE: Final = NAMES["credstore"]
CA_CERTIFICATES: Final = NAMES["ca_certificates"]
NIXOS_BUNDLE: Final = f"{NAMES['nixos_anchors']}.crt"
"""The seed disk's authorities alone: what NixOS trusts by itself is in its store."""

SEED_ID: Final = NAMES["seed_id"]
"""A file with a random text: a machine takes each seed disk once."""

REPLACE_MARKER: Final = NAMES["replace_marker"]
"""A file whose presence lets the disk's credentials replace the machine's."""

SCRIPTS: Final = NAMES["scripts"]
RECEIVE: Final = NAMES["receive"]
STORE: Final = NAMES["store"]  # where systemd looks credentials up (systemd.exec(5))
READY: Final = NAMES["ready"]
"""The unit that services with credentials require and start after."""

SEED: Final = NAMES["seed"]
LATE: Final = f"{NAMES['late']}@.service"
"""The template of a unit for each seed disk that udev finds."""

SHOWN: Final = NAMES["shown"]
"""The unit that shows HOST_KEY and the machine's addresses on the consoles, once a boot."""

NETWORKD: Final = NAMES["networkd"]
HOST_KEY: Final = NAMES["host_key"]
"""What a machine's SSH server shows of itself."""
