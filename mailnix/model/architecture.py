"""Which processors machines have."""

from __future__ import annotations

from enum import StrEnum

from mailnix.model.reading import member


class Architecture(StrEnum):
    """A machine's processor, by Debian's names: what PCs have (x86-64), and 64-bit ARM (aarch64)."""

    AMD64 = "amd64"
    ARM64 = "arm64"


def architecture(value: Architecture | str) -> Architecture:
    """What a user wrote; what is none stays as it is, for the check."""
    return member(Architecture, value)  # type: ignore[no-any-return]
