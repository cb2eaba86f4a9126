"""Paths on machines that more than one part must know, each typed here and nowhere else."""

from __future__ import annotations

from typing import Final

MAILCOW: Final = "/var/lib/mailcow"
DOCKER: Final = "/var/lib/docker"
BACKUPS: Final = "/var/backups/mailnix"
AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"  # whom programs trust, on Debian and on NixOS
