"""the fake Mailcow: Debian's Postfix, Dovecot, rspamd, Redis and nginx behind Mailcow's interfaces, for labs.

`build_fake` gives a tree to lay where Mailcow's would lie, and a disk with what its containers are made of.
"""

from mailnix.lab.fake_mailcow.build import FakeMailcow, build_fake

__all__ = ["FakeMailcow", "build_fake"]
