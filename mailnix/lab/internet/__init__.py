"""The internet machine: everything outside of a mail system, played by one Debian guest."""

from mailnix.lab.internet.authority import Authority, install, new_authority
from mailnix.lab.internet.layout import INTERNET, Identity, Layout, layout
from mailnix.lab.internet.machine import internet

__all__ = ["INTERNET", "Authority", "Identity", "Layout", "install", "internet", "layout", "new_authority"]
