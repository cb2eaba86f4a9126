"""Mailcow's double: Debian's Postfix, Dovecot, rspamd, Redis and nginx behind Mailcow's interfaces, for labs.

`build_double` gives a tree to lay where Mailcow's would lie, and a disk with what its containers are made of.
"""

from mailnix.lab.double.build import Double, build_double

__all__ = ["Double", "build_double"]
