"""Who else there is: strangers, a mail domain elsewhere, and what a name server knows of all of them."""

from __future__ import annotations

from typing import Final

from mailnix.plan import Plan
from rig.mailcow.names import LISTED, Names, reversed_address

STRANGER: Final = "192.0.2.99"
STRANGER_NAME: Final = "good.example"
ON_A_BLOCKLIST: Final = "198.51.100.7"
ELSEWHERE: Final = "elsewhere.example"
EXCHANGER: Final = "192.0.2.50"
"""Where mail for `ELSEWHERE` goes."""
BLOCKLIST: Final = "b.barracudacentral.org"  # one that Mailcow's postscreen asks


def names(plan: Plan) -> Names:
    """The containers' names, the world's, and a blocklist that has a stranger and the proxy, which must not matter."""
    network = str(plan.internal.docker_subnet.network_address).rpartition(".")[0]
    containers = {"dovecot": 250, "redis": 249, "rspamd": 5, "postfix-tlspol": 10}
    public = str(plan.proxies[0].ipv4)
    listed = [ON_A_BLOCKLIST, *(str(link.proxy.ipv4) for link in plan.tunnels)]
    return Names(
        addresses={
            **{name: f"{network}.{host}" for name, host in containers.items()},
            **{reversed_address(address, BLOCKLIST): LISTED for address in listed},
            "mailcow.email": "192.0.2.1",  # which postfix.sh waits for
            plan.topology.hostname: public,
            STRANGER_NAME: STRANGER,
            f"mx.{ELSEWHERE}": EXCHANGER,
        },
        exchangers={ELSEWHERE: f"mx.{ELSEWHERE}"},
        reverse={reversed_address(STRANGER): STRANGER_NAME},
    )
