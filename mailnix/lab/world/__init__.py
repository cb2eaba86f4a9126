"""The world machine: everything outside of a mail system, played by one Debian guest."""

from mailnix.lab.world.authority import Authority, install, new_authority
from mailnix.lab.world.layout import WORLD, Identity, Layout, layout
from mailnix.lab.world.world import world

__all__ = ["WORLD", "Authority", "Identity", "Layout", "install", "layout", "new_authority", "world"]
