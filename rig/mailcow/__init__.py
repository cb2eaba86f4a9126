"""Mailcow's own code, run natively in namespaces: no Docker, no image, nothing of the machine touched.

Debian's programs stand for the images: its PHP, nginx, MariaDB, Redis and Postfix run Mailcow's entrypoints and
configuration on a tree that mailcow-setup has laid. See tests/real.
"""

from rig.mailcow.api import Caller, Reply
from rig.mailcow.machine import Mailcow, laid, mailcow
from rig.mailcow.needs import missing, refusal

__all__ = ["Caller", "Mailcow", "Reply", "laid", "mailcow", "missing", "refusal"]
