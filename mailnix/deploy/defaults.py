"""What counts where nobody says otherwise; the command line shows it, and imports nothing heavy for that."""

from __future__ import annotations

from typing import Final

WITHIN: Final = 180
"""Seconds that a change waits to be confirmed."""
