"""What an image must know to boot, and to be reached, on the usual machines: hardware.toml, by kind."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FOUND: Final[Mapping[str, Mapping[str, list[str]]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text("utf-8")
)

DISKS: Final = _FOUND["disks"]
"""Disks and what they are attached to → drivers, which the initramfs has."""

CARDS: Final = _FOUND["cards"]
"""Network cards → drivers, which are loaded when the root file system is there."""

ARM64_DISKS: Final = _FOUND["arm64-disks"]
"""What a kernel for arm64 has besides: boards and where they keep disks → drivers, which the initramfs has."""

ARM64_CARDS: Final = _FOUND["arm64-cards"]
"""Boards → drivers of their network cards: the card's, and that of the chip between it and the cable."""

SEEDS: Final = _FOUND["seeds"]
"""File systems of seed disks → what the kernel reads them with."""
