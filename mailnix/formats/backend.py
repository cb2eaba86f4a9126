"""The two operating systems that services speak to."""

from __future__ import annotations

from enum import StrEnum


class Backend(StrEnum):
    """The operating system that a description becomes."""

    NIXOS = "nixos"
    DEBIAN = "debian"
