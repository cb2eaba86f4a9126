"""The authority that is asked for certificates, and where it looks for answers to its challenges (RFC 8555 8.3)."""

from __future__ import annotations

from typing import Final

DIRECTORY: Final = "https://acme-v02.api.letsencrypt.org/directory"
CHALLENGES: Final = "/.well-known/acme-challenge"
"""The path of their folder at each host name."""
