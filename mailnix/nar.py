"""The NAR hash of a folder (`nix hash path`), computed by the very program that the internal machine checks trees with.

The only place where mailnix itself uses a program of a machine: one truth for what is pinned and what is accepted.
"""

from mailnix.services.mailcow.guest.nar import nar_hash

__all__ = ["nar_hash"]
