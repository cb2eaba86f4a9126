"""Where a key of a proxy's own and its certificate are; the NixOS module reads the same file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.formats.text import data

NAMES: Final[Mapping[str, str]] = data("dane/names.toml")

SHOW: Final = NAMES["name"]
RENEW: Final = NAMES["renew"]
USER: Final = SHOW
KEPT: Final = f"/var/lib/{SHOW}"
"""The authority's account and its certificate."""
SHOWN: Final = f"/run/{SHOW}"
CERTIFICATE: Final = f"{SHOWN}/cert.pem"
KEY: Final = f"{SHOWN}/key.pem"
WEB: Final = f"{SHOWN}/{NAMES['web']}"
"""The root of what Caddy serves, so that nothing beside it is ever served."""
