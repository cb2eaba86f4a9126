"""An address for home that another machine of its network has: both would lose connections, now and then.

networkd does not look before it sets one (systemd.network(5), DuplicateAddressDetection=), and whatever answers first
may confirm the change.
"""

from __future__ import annotations

from mailnix.deploy.machine import Machine
from mailnix.errors import DeployError, MailnixError
from mailnix.plan import Plan


def refuse(plan: Plan, home: Machine) -> None:
    """Raise DeployError where home shall have an address that somebody else has; what cannot be asked passes.

    A proxy's is its provider's to give, whose routers may answer for addresses of all (RFC 1027).
    """
    uplink = plan.internal.uplink
    if not uplink.static or uplink.own4 is None:
        return
    try:
        free, said = home.free(str(uplink.own4))
    except MailnixError:
        return
    if not free:
        raise DeployError(
            f"{home.host} cannot have {uplink.own4}, for another one in its network has that: {said}",
            "describe an address that is free there: Internal(ipv4=…), or give that machine another one",
        )
